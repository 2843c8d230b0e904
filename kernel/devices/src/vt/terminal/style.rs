//! `CSI … m`: how characters are written.

use super::Terminal;
use super::charset::Charset;
use crate::vt::cell::{Intensity, Style};

impl Terminal {
    /// Changes the style by the parameters of the sequence.
    pub(super) fn select_style(&mut self, parameters: &[u16]) {
        let mut rest = parameters.iter().copied();
        while let Some(parameter) = rest.next() {
            let style = &mut self.state.style;
            match parameter {
                0 => *style = Style::plain(self.default_colours.0, self.default_colours.1),
                1 => style.intensity = Intensity::Bold,
                2 => style.intensity = Intensity::Half,
                3 => style.italic = true,
                4 | 21 => style.underline = true,
                5 => style.blink = true,
                7 => style.reverse = true,
                10 => self.bytes = None,
                11 => self.bytes = Some((Charset::Pc, 0)),
                12 => self.bytes = Some((Charset::Pc, 0x80)),
                22 => style.intensity = Intensity::Normal,
                23 => style.italic = false,
                24 => style.underline = false,
                25 => style.blink = false,
                27 => style.reverse = false,
                30..=37 => style.foreground = hue(parameter - 30),
                38 => {
                    if let Some(rgb) = extended(&mut rest) {
                        style.set_foreground(rgb);
                    }
                }
                39 => style.foreground = self.default_colours.0,
                40..=47 => style.background = hue(parameter - 40),
                48 => {
                    if let Some(rgb) = extended(&mut rest) {
                        style.set_background(rgb);
                    }
                }
                49 => style.background = self.default_colours.1,
                90..=97 => {
                    style.foreground = hue(parameter - 90);
                    style.intensity = Intensity::Bold;
                }
                100..=107 => style.background = hue(parameter - 100),
                _ => {}
            }
        }
    }
}

/// A colour of the first eight.
fn hue(number: u16) -> u8 {
    (number & 7) as u8
}

/// Reads what follows 38 or 48: `5;N` of 256 colours, or `2;R;G;B`.
fn extended(rest: &mut impl Iterator<Item = u16>) -> Option<[u16; 3]> {
    match rest.next()? {
        5 => rest.next().map(of_256),
        2 => Some([rest.next()?, rest.next()?, rest.next()?].map(|part| part & 0xff)),
        _ => None,
    }
}

/// Red, green and blue of one of 256 colours: sixteen of the palette, a cube of six steps, and 24 greys.
fn of_256(number: u16) -> [u16; 3] {
    match number {
        0..16 => {
            let bright = if number & 8 != 0 { 0x55 } else { 0 };
            [0, 1, 2].map(|bit| bright + if number >> bit & 1 != 0 { 0xaa } else { 0 })
        }
        16..232 => {
            let number = number - 16;
            [number / 36, number / 6 % 6, number % 6].map(|step| step * 85 / 2)
        }
        // As Linux has it: what is no colour any more goes on, and round.
        _ => [(number - 232).wrapping_mul(10).wrapping_add(8) & 0xff; 3],
    }
}

impl Style {
    /// The nearest foreground that there is: eight hues, each also bright, and dark grey.
    fn set_foreground(&mut self, rgb: [u16; 3]) {
        let most = rgb.into_iter().max().unwrap_or(0);
        let hue = bits(rgb.map(|part| part > most / 2));
        self.intensity = Intensity::Normal;
        self.foreground = hue;
        if hue == 7 && most <= 0x55 {
            self.foreground = 0;
            self.intensity = Intensity::Bold;
        } else if most > 0xaa {
            self.intensity = Intensity::Bold;
        }
    }

    /// The nearest background, rather a dark one.
    fn set_background(&mut self, rgb: [u16; 3]) {
        self.background = bits(rgb.map(|part| part & 0x80 != 0));
    }
}

fn bits([red, green, blue]: [bool; 3]) -> u8 {
    u8::from(red) | u8::from(green) << 1 | u8::from(blue) << 2
}
