/* Programs whose file has been changed at random: what executing each gives, as an unprivileged user.
 *
 * The file is a small one made here: code that checks its data and ends with 7. Each try changes its headers or its length
 * and gives a letter; a hundred of them are a string, which is the same on Linux. `PROGRAM @ FIRST COUNT` prints the letters
 * of other tries.
 */
#include "tap.h"
#include <elf.h>
#include <sys/resource.h>

#define CODE 0x100
#define DATA 0x1000
#define SIZE (DATA + 16)
#define BASE 0x400000
#define MAGIC 0x1234567

/* Position independent: it finds the image's begin by its own place. */
__asm__(".pushsection .rodata\n"
	"victim_code:\n"
	"	lea victim_code-0x100(%rip), %rbx\n"
	"	cmpl $0x1234567, 0x2000(%rbx)\n"
	"	jne 1f\n"
	"	cmpb $0, 0x3f00(%rbx)\n"
	"	jne 1f\n"
	"	movb $1, 0x3f00(%rbx)\n"
	"	mov $7, %edi\n"
	"	mov $60, %eax\n"
	"	syscall\n"
	"1:	mov $8, %edi\n"
	"	mov $60, %eax\n"
	"	syscall\n"
	"	hlt\n"
	"victim_end:\n"
	".popsection\n");
extern const char victim_code[], victim_end[];

struct victim {
	Elf64_Ehdr header;
	Elf64_Phdr segments[3];
	char rest[SIZE - sizeof(Elf64_Ehdr) - 3 * sizeof(Elf64_Phdr)];
};

static void make(struct victim *victim, int type)
{
	memset(victim, 0, sizeof *victim);
	uint64_t base = type == ET_EXEC ? BASE : 0;
	victim->header = (Elf64_Ehdr){
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		.e_type = type, .e_machine = EM_X86_64, .e_version = EV_CURRENT, .e_entry = base + CODE,
		.e_phoff = sizeof(Elf64_Ehdr), .e_ehsize = sizeof(Elf64_Ehdr), .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 3,
	};
	victim->segments[0] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = base, .p_paddr = base,
					    .p_filesz = 0x200, .p_memsz = 0x200, .p_align = 0x1000 };
	victim->segments[1] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_flags = PF_R | PF_W, .p_offset = DATA, .p_vaddr = base + 0x2000,
					    .p_paddr = base + 0x2000, .p_filesz = 16, .p_memsz = 0x2000, .p_align = 0x1000 };
	victim->segments[2] = (Elf64_Phdr){ .p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W, .p_align = 16 };
	memcpy((char *)victim + CODE, victim_code, victim_end - victim_code);
	*(uint32_t *)((char *)victim + DATA) = MAGIC;
}

static uint64_t state;

static uint64_t draw(void)
{
	uint64_t z = state += 0x9e3779b97f4a7c15;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static const uint64_t telling[] = {
	0, 1, 2, 3, 7, 15, 0x38, 0x40, 0xff, 0xfff, 0x1000, 0x1001, 0x2000, 0x3fff, 0xffff, 0x10000, 0x400000, 0x7fffffff, 0x80000000,
	0xffffffff, 0x100000000, 0x7ffffffff000, 0x7fffffffffff, 0x800000000000, 0x7fffffffffffffff, 0x8000000000000000,
	0xffffffff80000000, 0xfffffffffffff000, 0xffffffffffffffff,
};

/* Changes the headers in one to three places, or cuts the file; gives its length. */
static size_t mutate(struct victim *victim)
{
	const size_t headers = sizeof(Elf64_Ehdr) + sizeof victim->segments;
	size_t length = SIZE;
	char *bytes = (char *)victim;
	for (int changes = 1 + draw() % 3; changes > 0; changes--) {
		size_t width = 1 << draw() % 4, at = draw() % headers / width * width;
		uint64_t value = telling[draw() % (sizeof telling / sizeof *telling)];
		switch (draw() % 8) {
		case 0: length = draw() % (SIZE + 1); break;
		case 1: bytes[at] ^= 1 << draw() % 8; break;
		case 2: bytes[at] = draw(); break;
		case 3: /* a part of a segment's header, moved a little */
			at = sizeof(Elf64_Ehdr) + draw() % 3 * sizeof(Elf64_Phdr) + 8 + draw() % 6 * 8;
			*(uint64_t *)(bytes + at) += (draw() % 5 - 2) * 0x800;
			break;
		default: memcpy(bytes + at, &value, width);
		}
	}
	return length;
}

static char letter(int status)
{
	if (WIFSIGNALED(status))
		switch (WTERMSIG(status)) {
		case SIGSEGV: return 'S';
		case SIGBUS: return 'B';
		case SIGILL: return 'L';
		case SIGKILL: return 'K';
		case SIGTRAP: return 'R';
		case SIGXCPU: return 'T';
		default: return '!';
		}
	switch (WEXITSTATUS(status)) {
	case 7: return '.';
	case 8: return 'w';
	case 100 + ENOEXEC: return 'x';
	case 100 + EINVAL: return 'i';
	case 100 + ENOMEM: return 'm';
	case 100 + EFAULT: return 'f';
	case 100 + EACCES: return 'a';
	case 100 + EIO: return 'u';
	case 100 + ENOENT: return 'n';
	case 100 + ENODATA: return 'd';
	case 100 + EPERM: return 'p';
	case 100 + EISDIR: return 'r';
	case 100 + ELIBBAD % 100: return 'b';
	default: return '?';
	}
}

static char attempt(uint64_t number)
{
	struct victim victim;
	state = number * 0xd1342543de82ef95 + 1;
	make(&victim, draw() % 2 ? ET_EXEC : ET_DYN);
	size_t length = mutate(&victim);
	/* Two names by turns: the last one may still be on its way out. */
	const char *name = number % 2 ? "odd" : "even";
	unlink(name);
	int fd = open(name, O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
	if (fd == -1 || write(fd, &victim, length) != (ssize_t)length)
		return '%';
	close(fd);
	pid_t child = fork();
	if (child == 0) {
		struct rlimit processor = { 1, 1 }, core = { 0, 0 };
		setrlimit(RLIMIT_CPU, &processor);
		setrlimit(RLIMIT_CORE, &core);
		alarm(5);
		if (setgid(1000) || setuid(1000))
			_exit(99);
		char *arguments[] = { "victim", NULL }, *environment[] = { NULL };
		execve(name, arguments, environment);
		_exit(100 + errno % 100);
	}
	return letter(status_of(child));
}

static void attempts(uint64_t first, int count, char *letters)
{
	for (int i = 0; i < count; i++)
		letters[i] = attempt(first + i);
	letters[count] = 0;
}

static void hundreds(uint64_t first)
{
	chmod(".", 0755);
	for (int i = 0; i < 2; i++, first += 100) {
		char letters[101], sentence[200];
		attempts(first, 100, letters);
		snprintf(sentence, sizeof sentence, "from %d on: %s", (int)first, letters);
		check(strchr(letters, '%') == NULL && strchr(letters, '?') == NULL, sentence);
	}
}

#define SHARE(n) \
	CASE(share_##n) { hundreds(n * 200); }

SHARE(0)
SHARE(1)
SHARE(2)
SHARE(3)
SHARE(4)

CASE(unchanged)
{
	struct victim victim;
	chmod(".", 0755);
	for (int type = ET_EXEC; type <= ET_DYN; type++) {
		make(&victim, type);
		int fd = open("whole", O_CREAT | O_TRUNC | O_WRONLY, 0755);
		require(write(fd, &victim, SIZE) == SIZE);
		close(fd);
		equal(in_child(execl("whole", "whole", NULL)), 7, type == ET_EXEC ? "unchanged it runs" : "also position independent");
	}
}

static int role(int argc, char **argv, char **environment)
{
	(void)environment;
	if (argc < 4)
		return 2;
	uint64_t first = strtoull(argv[2], NULL, 10), end = first + strtoull(argv[3], NULL, 10);
	if (chdir(getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp") || mkdir("mutants", 0755) || chdir("mutants"))
		return 1;
	for (char letters[101]; first < end; first += 100) {
		attempts(first, 100, letters);
		printf("%8llu %s\n", (unsigned long long)first, letters);
		fflush(stdout);
	}
	return 0;
}

SUITE_WITH_ROLES(RUN(unchanged), RUN(share_0), RUN(share_1), RUN(share_2), RUN(share_3), RUN(share_4))
