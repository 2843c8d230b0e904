//! The cursor, tabs, lines and scrolling.

use super::Terminal;

impl Terminal {
    /// Puts the cursor to a place, within the screen, or within the region if places count from there.
    pub(super) fn move_to(&mut self, x: usize, y: usize) {
        let (first, end) = if self.modes.origin { (self.top, self.bottom) } else { (0, self.grid.rows()) };
        self.state.x = x.min(self.grid.columns().saturating_sub(1));
        self.state.y = y.clamp(first, end.saturating_sub(1).max(first));
        self.wraps = false;
    }

    /// As [`Terminal::move_to`], with rows that count from the region's first if places do.
    pub(super) fn move_to_origin(&mut self, x: usize, y: usize) {
        let first = if self.modes.origin { self.top } else { 0 };
        self.move_to(x, y.saturating_add(first));
    }

    pub(super) fn carriage_return(&mut self) {
        self.state.x = 0;
        self.wraps = false;
    }

    /// Goes down a line; the region scrolls at its end.
    pub(super) fn line_feed(&mut self) {
        if self.state.y + 1 == self.bottom {
            let blank = self.blank();
            self.grid.scroll_up(self.top..self.bottom, 1, blank);
        } else if self.state.y + 1 < self.grid.rows() {
            self.state.y += 1;
        }
        self.wraps = false;
    }

    /// Goes up a line; the region scrolls at its start.
    pub(super) fn reverse_line_feed(&mut self) {
        if self.state.y == self.top {
            let blank = self.blank();
            self.grid.scroll_down(self.top..self.bottom, 1, blank);
        } else {
            self.state.y = self.state.y.saturating_sub(1);
        }
        self.wraps = false;
    }

    pub(super) fn backspace(&mut self) {
        if self.state.x > 0 {
            self.state.x -= 1;
            self.wraps = false;
        }
    }

    /// Goes to the next tab stop, or to the end of the line.
    pub(super) fn tab(&mut self) {
        let last = self.grid.columns().saturating_sub(1);
        let stops = self.tabs.iter().enumerate().skip(self.state.x + 1);
        let next = stops.filter(|(_, stop)| **stop).map(|(column, _)| column).next();
        self.state.x = next.unwrap_or(last).min(last);
    }

    pub(super) fn set_tab(&mut self) {
        if let Some(stop) = self.tabs.get_mut(self.state.x) {
            *stop = true;
        }
    }

    /// Removes the tab stop at the cursor, or all of them.
    pub(super) fn clear_tabs(&mut self, which: u16) {
        match which {
            0 => {
                if let Some(stop) = self.tabs.get_mut(self.state.x) {
                    *stop = false;
                }
            }
            3 => self.tabs.fill(false),
            _ => {}
        }
    }

    /// Sets the region that scrolls, from its first to its last row, both from 1.
    pub(super) fn set_region(&mut self, first: u16, last: u16) {
        let first = usize::from(first.max(1));
        let last = if last == 0 { self.grid.rows() } else { usize::from(last) };
        if first < last && last <= self.grid.rows() {
            (self.top, self.bottom) = (first - 1, last);
            self.move_to_origin(0, 0);
        }
    }

    pub(super) fn save(&mut self) {
        self.saved = self.state;
    }

    pub(super) fn restore(&mut self) {
        self.state = self.saved;
        self.move_to(self.state.x, self.state.y);
    }
}
