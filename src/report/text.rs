//! Small things that every text needs.

use std::fmt::Write;

/// 3851 as "3,851".
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (nth, digit) in digits.chars().enumerate() {
        if nth > 0 && (digits.len() - nth).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `text` behind a label, broken into lines of at most 80 columns, each later one indented like the
/// first. A word that is longer than a line stays whole.
pub fn wrapped(label: &str, indent: usize, text: &str) -> String {
    let mut out = String::new();
    let mut line = format!("{label:<indent$}");
    let mut empty = true;
    for word in text.split_whitespace() {
        if !empty && line.chars().count() + 1 + word.chars().count() > 80 {
            let _ = writeln!(out, "{line}");
            line = " ".repeat(indent);
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    let _ = writeln!(out, "{line}");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!([0, 12, 999, 1000, 1_234_567].map(count), ["0", "12", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn long_texts_hang() {
        let text = "one two ".repeat(12);
        let lines = wrapped("cause", 8, &text);
        let lines: Vec<&str> = lines.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].starts_with("cause   one two") && lines[1].starts_with("        one two"));
        assert!(lines.iter().all(|line| line.len() <= 80));
    }
}
