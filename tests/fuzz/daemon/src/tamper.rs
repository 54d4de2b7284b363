//! A ledger's file with something in it that nobody ever wrote there.
//!
//! An input is lines: `TABLE ROW COLUMN integer|real|text|blob|null VALUE` sets a cell past all constraints, `byte PLACE VALUE`
//! sets a byte of the file, `cut PLACE` ends it there; after `then pass` it is written to, and otherwise read. What names no table, row or column stands for one all the same.

use std::path::Path;
use std::sync::OnceLock;

use camsync::ledger::Ledger;
use rusqlite::Connection;
use rusqlite::types::Value;

/// Lines of an input.
const MOST: usize = 8;

/// A table: its columns, and those by which a row is found.
#[derive(Debug)]
struct Table {
    name: String,
    columns: Vec<String>,
    key: Vec<String>,
}

/// A good ledger's file whose tables take any value, as a file does that something else wrote to.
#[derive(Debug)]
pub(crate) struct Good {
    bytes: Vec<u8>,
    tables: Vec<Table>,
}

fn texts(ledger: &Connection, sql: &str) -> Vec<String> {
    let mut statement = ledger.prepare(sql).expect("good SQL");
    let rows = statement.query_map([], |row| row.get(0)).expect("rows");
    rows.map(|row| row.expect("a text")).collect()
}

fn table(ledger: &Connection, name: &str) -> Table {
    let of = |what: &str| {
        texts(
            ledger,
            &format!("SELECT name FROM pragma_table_info('{name}'){what}"),
        )
    };
    let without_rowid = format!("SELECT 'x' FROM pragma_table_list('{name}') WHERE wr = 1");
    let key = if texts(ledger, &without_rowid).is_empty() {
        vec!["rowid".to_owned()]
    } else {
        of(" WHERE pk > 0")
    };
    Table {
        name: name.to_owned(),
        columns: of(""),
        key,
    }
}

/// The one of this process.
pub(crate) fn good(ledger: &Ledger) -> &'static Good {
    static GOOD: OnceLock<Good> = OnceLock::new();
    GOOD.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("good.db");
        ledger.backup(&file).expect("a copy");
        let copy = Connection::open(&file).expect("a ledger");
        // STRICT and NOT NULL are kept when something is written, not when it is read.
        copy.execute_batch(
            "PRAGMA journal_mode = DELETE; PRAGMA writable_schema = ON;
             UPDATE sqlite_schema SET sql = replace(replace(replace(sql, ' STRICT,', ''), ' STRICT', ''), ' NOT NULL', '') WHERE type = 'table';
             PRAGMA writable_schema = RESET; VACUUM;",
        )
        .expect("another schema");
        let tables = texts(&copy, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name");
        let tables: Vec<Table> = tables.iter().map(|name| table(&copy, name)).collect();
        drop(copy);
        let bytes = std::fs::read(&file).expect("a file");
        Good { bytes, tables }
    })
}

impl Good {
    /// Writes the file as an input has it.
    pub(crate) fn write(&self, file: &Path, input: &[u8]) {
        let mut bytes = self.bytes.clone();
        let (mut cells, mut cut) = (Vec::new(), bytes.len());
        for line in input.split(|byte| *byte == b'\n').take(MOST) {
            let line = String::from_utf8_lossy(line);
            let words: Vec<&str> = line.splitn(5, ' ').collect();
            match words[..] {
                ["byte", place, value, ..] => {
                    let place = number(place) % bytes.len();
                    bytes[place] = number(value).to_le_bytes()[0];
                }
                ["cut", place, ..] => cut = number(place) % bytes.len(),
                [table, row, column, kind, ..] => {
                    let value = words.get(4).unwrap_or(&"");
                    cells.push((
                        table.to_owned(),
                        row.to_owned(),
                        column.to_owned(),
                        cell(kind, value),
                    ));
                }
                _ => {}
            }
        }
        std::fs::write(file, &bytes).expect("room for a file");
        if !cells.is_empty()
            && let Ok(ledger) = Connection::open(file)
        {
            let _ = ledger.execute_batch(
                "PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY; PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF;",
            );
            for (table, row, column, value) in cells {
                // A value that must be unique, or a file that is broken by now, keeps what it has.
                let _ = self.set(&ledger, &table, &row, &column, value);
            }
        }
        if cut < self.bytes.len() {
            let cut = std::fs::OpenOptions::new()
                .write(true)
                .open(file)
                .and_then(|f| f.set_len(cut as u64));
            cut.expect("a file that can be cut");
        }
    }

    fn set(
        &self,
        ledger: &Connection,
        table: &str,
        row: &str,
        column: &str,
        value: Value,
    ) -> rusqlite::Result<usize> {
        let table = pick(&self.tables, table, |table| &table.name);
        let column = pick(&table.columns, column, |column| column);
        let name = &table.name;
        let count: i64 =
            ledger.query_row(&format!("SELECT count(*) FROM \"{name}\""), [], |row| {
                row.get(0)
            })?;
        let row = i64::try_from(number(row))
            .unwrap_or(0)
            .checked_rem(count)
            .unwrap_or(0);
        let key = table.key.join(", ");
        let update = format!(
            "UPDATE \"{name}\" SET \"{column}\" = ?1 WHERE ({key}) = (SELECT {key} FROM \"{name}\" ORDER BY {key} LIMIT 1 OFFSET {row})"
        );
        ledger.execute(&update, [value])
    }
}

/// The one of this name, or another that the word stands for.
fn pick<'t, T>(from: &'t [T], word: &str, name: impl Fn(&T) -> &String) -> &'t T {
    let found = from.iter().find(|one| name(one) == word);
    found.unwrap_or_else(|| &from[number(word) % from.len()])
}

/// A number, or what a word comes to.
fn number(word: &str) -> usize {
    word.parse()
        .unwrap_or_else(|_| word.bytes().map(usize::from).sum())
}

fn cell(kind: &str, value: &str) -> Value {
    let kinds = ["integer", "real", "text", "blob", "null"].map(str::to_owned);
    match pick(&kinds, kind, |kind| kind).as_str() {
        "integer" => Value::Integer(value.parse().unwrap_or(i64::MIN)),
        "real" => Value::Real(value.parse().unwrap_or(f64::MAX)),
        // More than anybody writes.
        "text" if value == "long" => Value::Text("长".repeat(100_000)),
        "text" => Value::Text(value.replace("\\n", "\n")),
        "blob" => Value::Blob(value.as_bytes().to_vec()),
        _ => Value::Null,
    }
}
