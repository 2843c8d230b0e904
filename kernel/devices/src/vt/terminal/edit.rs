//! Erasing, inserting and deleting.

use super::Terminal;

impl Terminal {
    /// Erases a part of the screen: 0 from the cursor on, 1 up to the cursor, 2 and 3 all of it.
    pub(super) fn erase_screen(&mut self, which: u16) {
        let (y, rows, columns, blank) = (self.state.y, self.grid.rows(), self.grid.columns(), self.blank());
        let whole = match which {
            0 => y + 1..rows,
            1 => 0..y,
            2 | 3 => 0..rows,
            _ => return,
        };
        whole.for_each(|row| self.grid.fill(row, 0..columns, blank));
        if which < 2 {
            self.erase_line(which);
        }
        self.wraps = false;
    }

    /// Erases a part of the cursor's line: as [`Terminal::erase_screen`].
    pub(super) fn erase_line(&mut self, which: u16) {
        let columns = match which {
            0 => self.state.x..self.grid.columns(),
            1 => 0..self.state.x + 1,
            2 => 0..self.grid.columns(),
            _ => return,
        };
        self.grid.fill(self.state.y, columns, self.blank());
        self.wraps = false;
    }

    pub(super) fn erase_characters(&mut self, count: usize) {
        let x = self.state.x;
        self.grid.fill(self.state.y, x..x.saturating_add(count), self.blank());
        self.wraps = false;
    }

    pub(super) fn insert_characters(&mut self, count: usize) {
        self.grid.insert(self.state.x, self.state.y, count, self.blank());
        self.wraps = false;
    }

    pub(super) fn delete_characters(&mut self, count: usize) {
        self.grid.delete(self.state.x, self.state.y, count, self.blank());
        self.wraps = false;
    }

    /// Makes room for lines at the cursor, within the region.
    pub(super) fn insert_lines(&mut self, count: usize) {
        if self.state.y < self.bottom {
            self.grid.scroll_down(self.state.y..self.bottom, count, self.blank());
        }
        self.wraps = false;
    }

    pub(super) fn delete_lines(&mut self, count: usize) {
        if self.state.y < self.bottom {
            self.grid.scroll_up(self.state.y..self.bottom, count, self.blank());
        }
        self.wraps = false;
    }

    /// Fills the screen with `E`, for adjusting it.
    pub(super) fn alignment(&mut self) {
        let cell = self.state.style.cell('E', &self.substitutes, self.modes.inverted);
        self.grid.for_each(|place| *place = cell);
    }
}
