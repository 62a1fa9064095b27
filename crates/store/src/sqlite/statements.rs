//! The statements of a batch, each looked up once: the connection's own cache hashes a statement's
//! whole text for every row.

use rusqlite::{CachedStatement, Connection, OptionalExtension as _, Params, Row};

/// Statements of one transaction. They go back to the connection's cache when it ends.
pub(super) struct Statements<'c> {
    connection: &'c Connection,
    held: Vec<(&'static str, CachedStatement<'c>)>,
}

impl<'c> Statements<'c> {
    pub(super) const fn new(connection: &'c Connection) -> Self {
        Self { connection, held: Vec::new() }
    }

    /// For what is rare: through the connection's own cache.
    pub(super) const fn connection(&self) -> &'c Connection {
        self.connection
    }

    /// A text is known by its address: the same one twice is held twice, and works.
    fn get(&mut self, sql: &'static str) -> rusqlite::Result<&mut CachedStatement<'c>> {
        let known = self.held.iter().position(|(held, _)| std::ptr::eq(*held, sql));
        let place = if let Some(place) = known {
            place
        } else {
            self.held.push((sql, self.connection.prepare_cached(sql)?));
            self.held.len().saturating_sub(1)
        };
        match self.held.get_mut(place) {
            Some((_, statement)) => Ok(statement),
            None => Err(rusqlite::Error::InvalidQuery),
        }
    }

    /// Runs it, and tells how many rows it changed.
    pub(super) fn execute(
        &mut self,
        sql: &'static str,
        params: impl Params,
    ) -> rusqlite::Result<usize> {
        self.get(sql)?.execute(params)
    }

    /// Its first row, if it has one.
    pub(super) fn first<T>(
        &mut self,
        sql: &'static str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Option<T>> {
        self.get(sql)?.query_row(params, read).optional()
    }
}
