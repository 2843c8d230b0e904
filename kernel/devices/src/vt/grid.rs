//! The characters on the screen, in rows.

use core::ops::Range;

use alloc::vec::Vec;

use super::cell::Cell;

/// Rows of cells, and which of them changed since somebody looked.
pub(crate) struct Grid {
    rows: Vec<Vec<Cell>>,
    changed: Vec<bool>,
    columns: usize,
}

impl Grid {
    pub(crate) fn new(columns: usize, rows: usize, blank: Cell) -> Grid {
        Grid {
            rows: (0..rows).map(|_| alloc::vec![blank; columns]).collect(),
            changed: alloc::vec![true; rows],
            columns,
        }
    }

    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows.len()
    }

    /// The cells of a row; none for a row that there is not.
    pub(crate) fn row(&self, y: usize) -> &[Cell] {
        self.rows.get(y).map_or(&[], Vec::as_slice)
    }

    /// Whether a row changed since the last call.
    pub(crate) fn take_change(&mut self, y: usize) -> bool {
        self.changed.get_mut(y).is_some_and(core::mem::take)
    }

    /// Takes a row for changed.
    pub(crate) fn touch(&mut self, y: usize) {
        if let Some(changed) = self.changed.get_mut(y) {
            *changed = true;
        }
    }

    pub(crate) fn change_all(&mut self) {
        self.changed.fill(true);
    }

    /// A row that is about to be changed.
    fn row_mut(&mut self, y: usize) -> &mut [Cell] {
        self.touch(y);
        self.rows.get_mut(y).map_or(&mut [], Vec::as_mut_slice)
    }

    pub(crate) fn set(&mut self, x: usize, y: usize, cell: Cell) {
        if let Some(place) = self.row_mut(y).get_mut(x) {
            *place = cell;
        }
    }

    /// Fills a part of a row; what lies outside of it is left out.
    pub(crate) fn fill(&mut self, y: usize, columns: Range<usize>, cell: Cell) {
        let end = columns.end.min(self.columns);
        self.row_mut(y).get_mut(columns.start..end).unwrap_or_default().fill(cell);
    }

    /// Moves what stands from a place to the end of the row right by `count`.
    pub(crate) fn insert(&mut self, x: usize, y: usize, count: usize, blank: Cell) {
        let part = self.row_mut(y).get_mut(x..).unwrap_or_default();
        let count = count.min(part.len());
        part.rotate_right(count);
        part.iter_mut().take(count).for_each(|cell| *cell = blank);
    }

    /// Moves what stands behind `count` places left to them.
    pub(crate) fn delete(&mut self, x: usize, y: usize, count: usize, blank: Cell) {
        let part = self.row_mut(y).get_mut(x..).unwrap_or_default();
        let count = count.min(part.len());
        part.rotate_left(count);
        part.iter_mut().rev().take(count).for_each(|cell| *cell = blank);
    }

    /// Moves the rows of a region up; the last ones become blank.
    pub(crate) fn scroll_up(&mut self, region: Range<usize>, count: usize, blank: Cell) {
        self.scroll(region, count, blank, true);
    }

    /// Moves the rows of a region down; the first ones become blank.
    pub(crate) fn scroll_down(&mut self, region: Range<usize>, count: usize, blank: Cell) {
        self.scroll(region, count, blank, false);
    }

    fn scroll(&mut self, region: Range<usize>, count: usize, blank: Cell, up: bool) {
        let Some(rows) = self.rows.get_mut(region.clone()) else { return };
        let count = count.min(rows.len());
        let gone = if up {
            rows.rotate_left(count);
            region.end - count..region.end
        } else {
            rows.rotate_right(count);
            region.start..region.start + count
        };
        self.changed.get_mut(region).unwrap_or_default().fill(true);
        for y in gone {
            self.row_mut(y).fill(blank);
        }
    }

    /// Changes every cell.
    pub(crate) fn for_each(&mut self, mut change: impl FnMut(&mut Cell)) {
        self.rows.iter_mut().flatten().for_each(&mut change);
        self.change_all();
    }
}
