# gdb commands that know Serix: `serix-threads`, `serix-mappings PID`, `serix-dmesg`. They read memory only, so they work on a
# guest that runs as on a dump. They need the kernel's types, which a debug build has.

import gdb


class Unusable(gdb.GdbError):
    """What a command stops with."""


def kernel_type(name):
    try:
        return gdb.lookup_type(name)
    except gdb.error:
        raise Unusable("the kernel has no type %s: was it built with --debug?" % name)


def static(name):
    try:
        return gdb.parse_and_eval("&" + name).dereference()
    except gdb.error:
        raise Unusable("the kernel has no static %s: was it built with --debug?" % name)


def bare(value):
    """What wrappers with nothing else in them hold: cells, atomics, newtypes."""
    while value.type.strip_typedefs().code in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION):
        fields = [field for field in value.type.fields() if field.type.sizeof > 0]
        if len(fields) != 1:
            break
        value = value[fields[0]]
    return value


def number(value):
    return int(bare(value))


def pointer(value):
    """The first pointer in a value, as an address."""
    value = bare(value)
    if value.type.strip_typedefs().code == gdb.TYPE_CODE_PTR:
        return int(value)
    for field in value.type.fields():
        found = pointer(value[field]) if field.type.sizeof >= 8 else None
        if found is not None:
            return found
    return None


def word(address):
    return int.from_bytes(gdb.selected_inferior().read_memory(address, 8).tobytes(), "little")


def locked(lock):
    """The value in a lock, whoever holds it."""
    return bare(lock["value"])


def arc(value, name):
    """What an `Arc` or an `Option` of one points to; `None` for none."""
    address = word(int(value.address))
    if address == 0:
        return None
    inner = kernel_type(name)
    # Two counters come first.
    return gdb.Value(address + 16).cast(inner.pointer()).dereference()


def once_arc(once, name):
    """The same in a `Once` of an `Arc<dyn Any>` that is known to be a `name`."""
    return None if number(once["state"]) == 0 else arc(bare(once["value"]), name)


def text(string):
    vector = bare(string)
    length, start = number(vector["len"]), pointer(vector["buf"])
    return gdb.selected_inferior().read_memory(start, length).tobytes().decode(errors="replace") if length else ""


def vector(value):
    """The addresses that a vector of pointers holds."""
    length, start = number(value["len"]), pointer(value["buf"])
    return [word(start + 8 * index) for index in range(length)]


def tree(value):
    """The values of a `BTreeMap`, in order."""
    if number(value["length"]) == 0:
        return
    root = value["root"]
    variants = [field for field in root.type.fields() if field.name == "Some"]
    root = bare(root[variants[0]] if variants else root)
    root = root["__0"] if any(field.name == "__0" for field in root.type.fields()) else root
    yield from node(root["node"], number(root["height"]))


def node(nonnull, height):
    leaf = bare(nonnull).dereference()
    edges = None
    if height > 0:
        name = str(leaf.type).replace("::LeafNode<", "::InternalNode<", 1)
        edges = leaf.address.cast(kernel_type(name).pointer()).dereference()["edges"]
    for index in range(number(leaf["len"]) + 1):
        if edges is not None:
            child = edges[index].address.cast(bare(nonnull).type.pointer()).dereference()
            yield from node(child, height - 1)
        if index < number(leaf["len"]):
            slot = leaf["vals"][index]
            target = kernel_type(str(leaf.type)[str(leaf.type).index(", ") + 2 : -1])
            yield slot.address.cast(target.pointer()).dereference()


# Threads.

STATES = {0: "R", 1: "D", 2: "K", 3: "S", 255: "X"}


def threads():
    # The lock is a type of its own for each value; the vector begins at its value.
    kernel = kernel_type("chronos::thread::Thread").pointer()
    for address in vector(static("chronos::registry::THREADS")["value"]["value"]):
        yield gdb.Value(address + 16).cast(kernel).dereference()


def program_thread(thread):
    return once_arc(thread["local"], "process::thread::Thread")


def running():
    """The processor that runs each context."""
    areas = static("hal::arch::area::AREAS")
    found = {}
    for index in range(number(static("hal::arch::cpu::ONLINE"))):
        found[pointer(areas[index]["current"])] = index
    return found


def place(address):
    """An address of the text: the function that was called, and the line, which may be of another that is inlined there."""
    try:
        block = gdb.block_for_pc(address)
    except (gdb.error, RuntimeError):
        block = None
    name = None
    while block is not None:
        name = block.function.print_name if block.function is not None else name
        block = block.superblock
    line = gdb.find_pc_line(address)
    where = " at %s:%d" % (line.symtab.filename, line.line) if line.symtab else ""
    if name is not None:
        return name + where
    said = gdb.execute("info symbol 0x%x" % address, to_string=True).strip()
    return said if not said.startswith("No symbol") else "0x%x" % address


def left_frames(context):
    """Where a context that does not run goes on, and its callers: `switch_stacks` leaves six registers and an address.

    A call lies before the address that it returns to."""
    stack = number(context["stack_pointer"])
    frame = word(stack + 40)
    yield word(stack + 48) - 1
    for _ in range(32):
        if frame < 1 << 63 or frame % 8:
            return
        try:
            following, back = word(frame), word(frame + 8)
        except gdb.MemoryError:
            return
        if back < 1 << 63:
            return
        yield back - 1
        if following <= frame:
            return
        frame = following


def processor_frames(number):
    """The frames of a processor, in the kernel."""
    selected = gdb.selected_thread()
    try:
        for thread in gdb.selected_inferior().threads():
            if thread.num == number + 1:
                thread.switch()
                frame = gdb.newest_frame()
                while frame is not None and frame.pc() >= 1 << 63:
                    if frame.type() != gdb.INLINE_FRAME:
                        yield frame.pc() - (frame.newer() is not None)
                    frame = frame.older()
    finally:
        selected.switch()


class Threads(gdb.Command):
    """Lists all threads with their state, and where each is in the kernel.

States are those of ps: R runs or wants to, S sleeps, K sleeps until it is killed, D sleeps whatever comes. An asterisk marks
threads that a processor runs, a dash those of the kernel's own."""

    def __init__(self):
        super().__init__("serix-threads", gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        processors = running()
        print("%1s %6s %6s %5s %3s %s" % ("", "PID", "TID", "STATE", "CPU", "NAME"))
        for thread in threads():
            context = arc(locked(thread["context"]), "hal::arch::context::Context")
            of_program = program_thread(thread)
            processor = processors.get(int(context.address)) if context is not None else None
            numbers = ("-", "-")
            if of_program is not None:
                process = arc(of_program["process"], "process::process::Process")
                numbers = (number(process["pid"]), number(of_program["tid"]))
            state = STATES.get(number(thread["state"]), "?")
            mark = "*" if processor is not None else ""
            name = text(locked(thread["name"]))
            print("%1s %6s %6s %5s %3d %s" % ((mark,) + numbers + (state, number(thread["cpu"]), name)))
            if context is None:
                continue
            frames = left_frames(context) if processor is None else processor_frames(processor)
            for address in frames:
                print("      %s" % place(address))


# Mappings.


class Mappings(gdb.Command):
    """Lists the mappings of a process: serix-mappings PID"""

    def __init__(self):
        super().__init__("serix-mappings", gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        try:
            wanted = int(argument)
        except ValueError:
            raise Unusable("serix-mappings takes the number of a process")
        for thread in threads():
            of_program = program_thread(thread)
            if of_program is None:
                continue
            if number(arc(of_program["process"], "process::process::Process")["pid"]) != wanted:
                continue
            program = arc(locked(of_program["parts"])["program"], "process::program::Program")
            if program is not None:
                return show_mappings(arc(program["space"], "aegis::space::AddressSpace"))
        raise Unusable("there is no process %d" % wanted)


def show_mappings(space):
    areas = locked(space["areas"]["cell"])
    for area in tree(areas["tree"]):
        bits = number(area["protection"])
        letters = "".join(letter if bits & bit else "-" for letter, bit in (("r", 1), ("w", 2), ("x", 4)))
        role = str(area["role"]).split("::")[-1].lower()
        label = "" if role == "plain" else "[%s]" % role
        shared = "s" if bool(area["shared"]) else "p"
        print("%012x-%012x %s%s %s" % (number(area["start"]), number(area["end"]), letters, shared, label))


# The log.


class Log(gdb.Command):
    """Shows what the ring of the kernel's log holds."""

    def __init__(self):
        super().__init__("serix-dmesg", gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        ring = static("hal::log::RING")
        end, size = number(ring["end"]), ring["bytes"].type.sizeof
        kept = gdb.selected_inferior().read_memory(int(ring["bytes"].address), size).tobytes()
        first = end % size
        said = (kept[first:] + kept[:first] if end > size else kept[:end]).decode(errors="replace")
        print(said, end="")


def select_panicking():
    """Selects the processor that reports a panic."""
    selected = gdb.selected_thread()
    for thread in gdb.selected_inferior().threads():
        thread.switch()
        frame = gdb.newest_frame()
        while frame is not None:
            if "end_panic" in (frame.name() or ""):
                return
            frame = frame.older()
    selected.switch()


Threads()
Mappings()
Log()
