//! How JSON files are laid out: a line for each tick, each event, each row.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};

/// Objects are spread over lines down to this depth, arrays one deeper; what lies below stays on one
/// line.
const SPREAD: usize = 2;

/// The value as JSON that a person can read and a diff can show, with a newline at its end.
///
/// # Errors
/// When the value cannot be put into JSON.
pub(crate) fn readable(value: &impl Serialize) -> serde_json::Result<String> {
    let mut text = Vec::new();
    value.serialize(&mut Serializer::with_formatter(&mut text, Layout::default()))?;
    text.push(b'\n');
    Ok(String::from_utf8(text).expect("JSON is UTF-8"))
}

#[derive(Default)]
struct Layout {
    depth: usize,
    /// Something stands in the innermost list already.
    begun: bool,
}

impl Layout {
    fn open<W: ?Sized + Write>(&mut self, to: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.depth += 1;
        self.begun = false;
        to.write_all(bracket)
    }

    fn item<W: ?Sized + Write>(&mut self, to: &mut W, first: bool, limit: usize) -> io::Result<()> {
        let comma: &[u8] = if first { b"" } else { b"," };
        to.write_all(comma)?;
        if self.depth <= limit { self.line(to) } else { Ok(()) }
    }

    fn close<W: ?Sized + Write>(&mut self, to: &mut W, bracket: &[u8], limit: usize) -> io::Result<()> {
        self.depth -= 1;
        if self.begun && self.depth < limit {
            self.line(to)?;
        }
        self.begun = true;
        to.write_all(bracket)
    }

    fn line<W: ?Sized + Write>(&self, to: &mut W) -> io::Result<()> {
        write!(to, "\n{:1$}", "", 2 * self.depth)
    }
}

impl Formatter for Layout {
    fn begin_array<W: ?Sized + Write>(&mut self, to: &mut W) -> io::Result<()> {
        self.open(to, b"[")
    }

    fn end_array<W: ?Sized + Write>(&mut self, to: &mut W) -> io::Result<()> {
        self.close(to, b"]", SPREAD + 1)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, to: &mut W, first: bool) -> io::Result<()> {
        self.item(to, first, SPREAD + 1)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.begun = true;
        Ok(())
    }

    fn begin_object<W: ?Sized + Write>(&mut self, to: &mut W) -> io::Result<()> {
        self.open(to, b"{")
    }

    fn end_object<W: ?Sized + Write>(&mut self, to: &mut W) -> io::Result<()> {
        self.close(to, b"}", SPREAD)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, to: &mut W, first: bool) -> io::Result<()> {
        self.item(to, first, SPREAD)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, to: &mut W) -> io::Result<()> {
        CompactFormatter.begin_object_value(to)?;
        if self.depth <= SPREAD { to.write_all(b" ") } else { Ok(()) }
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.begun = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn a_line_for_each_tick_and_each_event() {
        let value = json!({
            "case": {"lock": "flag", "schedule": [{"at": 0.0, "commands": [[1, "write"]]}, {"at": 1.0}]},
            "empty": [], "none": {},
            "history": [{"what": {"read": {"worker": 2}}}, {"what": "wrote"}],
        });
        let text = super::readable(&value).unwrap();
        assert_eq!(
            text,
            r#"{
  "case": {
    "lock": "flag",
    "schedule": [
      {"at":0.0,"commands":[[1,"write"]]},
      {"at":1.0}
    ]
  },
  "empty": [],
  "history": [
    {"what":{"read":{"worker":2}}},
    {"what":"wrote"}
  ],
  "none": {}
}
"#
        );
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}
