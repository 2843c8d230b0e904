//! Which function of the terminal a control character or a sequence is.

use vte::{Params, Perform};

use super::Terminal;
use super::charset::Charset;

/// Parameters that are looked at, as on Linux.
const PARAMETERS: usize = 16;

/// The parameters of a sequence, without regard to what separates them.
struct Numbers {
    numbers: [u16; PARAMETERS],
    count: usize,
}

impl Numbers {
    fn of(params: &Params) -> Numbers {
        let mut numbers = [0; PARAMETERS];
        let mut count = 0;
        for (place, number) in numbers.iter_mut().zip(params.iter().flatten()) {
            *place = *number;
            count += 1;
        }
        Numbers { numbers, count: count.max(1) }
    }

    fn all(&self) -> &[u16] {
        self.numbers.get(..self.count).unwrap_or_default()
    }

    /// A parameter; 0 when it is missing.
    fn get(&self, index: usize) -> u16 {
        self.numbers.get(index).copied().unwrap_or(0)
    }

    /// The first parameter as a count: 0 is 1.
    fn count(&self) -> usize {
        usize::from(self.get(0).max(1))
    }

    /// A parameter that counts from 1, as one that counts from 0.
    fn place(&self, index: usize) -> usize {
        usize::from(self.get(index)).saturating_sub(1)
    }
}

impl Perform for Terminal {
    fn print(&mut self, character: char) {
        self.in_sequence = false;
        if character != '\x7f' {
            self.put(character);
        }
    }

    fn execute(&mut self, byte: u8) {
        match byte {
            8 => self.backspace(),
            9 => self.tab(),
            10..=12 => {
                self.line_feed();
                if self.modes.new_line {
                    self.carriage_return();
                }
            }
            13 => self.carriage_return(),
            14 => self.state.shifted = true,
            15 => self.state.shifted = false,
            // What was begun is forgotten.
            24 | 26 => self.in_sequence = false,
            _ => {}
        }
    }

    fn esc_dispatch(&mut self, intermediates: &[u8], _: bool, byte: u8) {
        self.in_sequence = false;
        match (intermediates, byte) {
            ([], b'c') => self.reset(),
            ([], b'D') => self.line_feed(),
            ([], b'E') => {
                self.carriage_return();
                self.line_feed();
            }
            ([], b'H') => self.set_tab(),
            ([], b'M') => self.reverse_line_feed(),
            ([], b'Z') => self.identify(),
            ([], b'7') => self.save(),
            ([], b'8') => self.restore(),
            ([], b'=') => self.modes.application_keypad = true,
            ([], b'>') => self.modes.application_keypad = false,
            ([b'#'], b'8') => self.alignment(),
            ([b'%'], b'@') => self.utf8 = false,
            ([b'%'], b'G' | b'8') => self.utf8 = true,
            ([which @ (b'(' | b')')], name) => {
                if let Some(set) = Charset::named(name) {
                    let [first, second] = &mut self.state.sets;
                    *(if *which == b'(' { first } else { second }) = set;
                }
            }
            _ => {}
        }
    }

    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], ignore: bool, action: char) {
        self.in_sequence = false;
        if ignore {
            return;
        }
        let numbers = Numbers::of(params);
        match intermediates {
            [] => self.act(&numbers, action),
            b"?" => self.act_privately(&numbers, action),
            _ => {}
        }
    }

    fn osc_dispatch(&mut self, _: &[&[u8]], _: bool) {
        self.in_sequence = false;
    }

    fn unhook(&mut self) {
        self.in_sequence = false;
    }
}

impl Terminal {
    fn act(&mut self, numbers: &Numbers, action: char) {
        let (x, y, count) = (self.state.x, self.state.y, numbers.count());
        match action {
            'A' => self.move_to(x, y.saturating_sub(count)),
            'B' | 'e' => self.move_to(x, y.saturating_add(count)),
            'C' | 'a' => self.move_to(x.saturating_add(count), y),
            'D' => self.move_to(x.saturating_sub(count), y),
            'E' => self.move_to(0, y.saturating_add(count)),
            'F' => self.move_to(0, y.saturating_sub(count)),
            'G' | '`' => self.move_to(numbers.place(0), y),
            'H' | 'f' => self.move_to_origin(numbers.place(1), numbers.place(0)),
            'd' => self.move_to_origin(x, numbers.place(0)),
            'J' => self.erase_screen(numbers.get(0)),
            'K' => self.erase_line(numbers.get(0)),
            'X' => self.erase_characters(count),
            'L' => self.insert_lines(count),
            'M' => self.delete_lines(count),
            '@' => self.insert_characters(count),
            'P' => self.delete_characters(count),
            'c' if numbers.get(0) == 0 => self.identify(),
            'g' => self.clear_tabs(numbers.get(0)),
            'h' | 'l' => numbers.all().iter().for_each(|number| self.set_mode(*number, action == 'h')),
            'm' => self.select_style(numbers.all()),
            'n' => self.report(numbers.get(0)),
            'r' => self.set_region(numbers.get(0), numbers.get(1)),
            's' => self.save(),
            'u' => self.restore(),
            // `CSI [ A` is how a function key looks when it is echoed.
            '[' => self.swallows = true,
            ']' => self.set_up(numbers.get(0), numbers.get(1)),
            _ => {}
        }
    }

    fn act_privately(&mut self, numbers: &Numbers, action: char) {
        match action {
            'c' => self.set_cursor_shape(numbers.get(0)),
            'h' | 'l' => {
                numbers.all().iter().for_each(|number| self.set_private_mode(*number, action == 'h'));
            }
            _ => {}
        }
    }
}
