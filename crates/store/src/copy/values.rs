//! Values on their way from one database to the other, and the sum over them.

use super::CopyError;
use super::tables::{Column, Kind};
use aws_lc_rs::digest::{Context, SHA256};
use rusqlite::types::ValueRef;
use tokio_postgres::types::ToSql;

/// A value as both databases can hold it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Nothing,
    Number(i64),
    Text(String),
    Bytes(Vec<u8>),
}

pub(super) type Row = Vec<Value>;

/// A row of SQLite's.
pub(super) fn of_sqlite(row: &rusqlite::Row<'_>, width: usize) -> rusqlite::Result<Row> {
    (0..width)
        .map(|column| {
            Ok(match row.get_ref(column)? {
                ValueRef::Null => Value::Nothing,
                ValueRef::Integer(number) => Value::Number(number),
                ValueRef::Text(_) => Value::Text(row.get(column)?),
                ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
                ValueRef::Real(_) => {
                    let (name, kind) = (format!("{column}"), rusqlite::types::Type::Real);
                    return Err(rusqlite::Error::InvalidColumnType(column, name, kind));
                }
            })
        })
        .collect()
}

/// A row of PostgreSQL's.
pub(super) fn of_postgres(
    row: &tokio_postgres::Row,
    columns: &[Column],
) -> Result<Row, tokio_postgres::Error> {
    let value = |(place, column): (usize, &Column)| {
        Ok(match column.kind {
            Kind::Number => row.try_get::<_, Option<i64>>(place)?.map(Value::Number),
            Kind::SmallNumber => {
                row.try_get::<_, Option<i32>>(place)?.map(i64::from).map(Value::Number)
            }
            Kind::Switch => {
                row.try_get::<_, Option<bool>>(place)?.map(i64::from).map(Value::Number)
            }
            Kind::Text => row.try_get::<_, Option<String>>(place)?.map(Value::Text),
            Kind::Bytes => row.try_get::<_, Option<Vec<u8>>>(place)?.map(Value::Bytes),
        }
        .unwrap_or(Value::Nothing))
    };
    columns.iter().enumerate().map(value).collect()
}

pub(super) type Param = Box<dyn ToSql + Sync + Send>;

/// A parameter as the driver takes it.
pub(super) fn borrowed(param: &Param) -> &(dyn ToSql + Sync) {
    &**param
}

/// The row as the columns of the target take it.
pub(super) fn params(row: &Row, columns: &[Column]) -> Result<Vec<Param>, CopyError> {
    let param = |(value, column): (&Value, &Column)| -> Result<Param, CopyError> {
        let unfit = || CopyError::Target(format!("{} cannot hold what SQLite has", column.name));
        Ok(match (value, column.kind) {
            (Value::Nothing, Kind::Number) => Box::new(None::<i64>),
            (Value::Nothing, Kind::SmallNumber) => Box::new(None::<i32>),
            (Value::Nothing, Kind::Switch) => Box::new(None::<bool>),
            (Value::Nothing, Kind::Text) => Box::new(None::<String>),
            (Value::Nothing, Kind::Bytes) => Box::new(None::<Vec<u8>>),
            (Value::Number(number), Kind::Number) => Box::new(*number),
            (Value::Number(number), Kind::SmallNumber) => {
                Box::new(i32::try_from(*number).map_err(|_range| unfit())?)
            }
            (Value::Number(number), Kind::Switch) => Box::new(*number != 0),
            (Value::Text(text), Kind::Text) => Box::new(text.clone()),
            (Value::Bytes(bytes), Kind::Bytes) => Box::new(bytes.clone()),
            (Value::Number(_) | Value::Text(_) | Value::Bytes(_), _) => return Err(unfit()),
        })
    };
    row.iter().zip(columns).map(param).collect()
}

/// How many rows, and a digest over all their values.
pub(super) struct Sum {
    rows: u64,
    digest: Context,
}

impl Default for Sum {
    fn default() -> Self {
        Self { rows: 0, digest: Context::new(&SHA256) }
    }
}

impl Sum {
    pub(super) fn add(&mut self, row: &Row) {
        self.rows = self.rows.saturating_add(1);
        for value in row {
            let (tag, bytes): (u8, &[u8]) = match value {
                Value::Nothing => (0, &[]),
                Value::Number(number) => (1, &number.to_be_bytes()),
                Value::Text(text) => (2, text.as_bytes()),
                Value::Bytes(bytes) => (3, bytes),
            };
            self.digest.update(&[tag]);
            // The length before each value: ("ab", "c") and ("a", "bc") differ.
            self.digest.update(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
            self.digest.update(bytes);
        }
    }

    pub(super) const fn rows(&self) -> u64 {
        self.rows
    }

    pub(super) fn hexadecimal(&self) -> String {
        let digest = self.digest.clone().finish();
        digest.as_ref().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
    }
}

impl PartialEq for Sum {
    fn eq(&self, other: &Self) -> bool {
        self.rows == other.rows && self.hexadecimal() == other.hexadecimal()
    }
}
