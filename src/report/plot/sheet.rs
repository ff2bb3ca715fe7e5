//! The few strokes that a picture is made of, as SVG.

use std::fmt::Write;

/// A drawing that grows from back to front.
#[derive(Default)]
pub(super) struct Sheet(String);

impl Sheet {
    pub fn rect(&mut self, class: &str, (x, y): (i32, i32), (width, height): (i32, i32), round: i32) {
        let size = format!(r#"width="{width}" height="{height}" rx="{round}""#);
        let _ = writeln!(self.0, r#"<rect class="{class}" x="{x}" y="{y}" {size}/>"#);
    }

    pub fn circle(&mut self, class: &str, (x, y): (i32, i32), radius: i32) {
        let _ = writeln!(self.0, r#"<circle class="{class}" cx="{x}" cy="{y}" r="{radius}"/>"#);
    }

    pub fn line(&mut self, class: &str, (x1, y1): (i32, i32), (x2, y2): (i32, i32)) {
        let _ = writeln!(self.0, r#"<line class="{class}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>"#);
    }

    /// Text that stands on `y`.
    pub fn text(&mut self, class: &str, (x, y): (i32, i32), text: &str) {
        let _ = writeln!(self.0, r#"<text class="{class}" x="{x}" y="{y}">{}</text>"#, escaped(text));
    }

    /// From one place to another, with so much of a gap at both ends. The head is drawn by hand: a
    /// marker would need an id, and a page may show two pictures.
    pub fn arrow(&mut self, class: &str, from: (i32, i32), to: (i32, i32), gaps: [i32; 2]) {
        let (dx, dy) = (f64::from(to.0 - from.0), f64::from(to.1 - from.1));
        let length = dx.hypot(dy).max(1.0);
        let (dx, dy) = (dx / length, dy / length);
        let along = |(x, y): (i32, i32), by: f64, aside: f64| {
            (f64::from(x) + dx * by - dy * aside, f64::from(y) + dy * by + dx * aside)
        };
        let [start, gap] = gaps.map(f64::from);
        let ((x1, y1), (x2, y2)) = (along(from, start, 0.0), along(to, -gap - 8.0, 0.0));
        let ((ax, ay), (bx, by)) = (along(to, -gap - 9.0, 5.0), along(to, -gap - 9.0, -5.0));
        let (tx, ty) = along(to, -gap, 0.0);
        let _ = writeln!(
            self.0,
            r#"<path class="{class}" d="M{x1:.1} {y1:.1}L{x2:.1} {y2:.1}M{tx:.1} {ty:.1}L{ax:.1} {ay:.1}L{bx:.1} {by:.1}Z"/>"#
        );
    }

    /// Is there anything of this class?
    pub fn has(&self, class: &str) -> bool {
        self.0.contains(&format!("class=\"{class}\""))
    }

    /// The whole picture, on a panel of its own.
    pub fn finish(self, (width, height): (i32, i32), title: &str, style: &str) -> String {
        let size = format!(r#"width="{width}" height="{height}" viewBox="0 0 {width} {height}""#);
        let panel = Sheet::panel(width, height);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"lockfuzz\" role=\"img\" {size}>\n\
             <title>{}</title>\n<style>\n{style}</style>\n{panel}{}</svg>\n",
            escaped(title),
            self.0
        )
    }

    fn panel(width: i32, height: i32) -> String {
        let mut panel = Sheet::default();
        panel.rect("panel", (1, 1), (width - 2, height - 2), 8);
        panel.0
    }
}

/// Text for XML, which knows no control characters, not even escaped ones.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            control if control.is_control() => safe.push(char::REPLACEMENT_CHARACTER),
            other => safe.push(other),
        }
    }
    safe
}

/// How much room a text takes at this size; generous, because nobody knows the reader's font.
pub(super) fn room(text: &str, size: i32) -> i32 {
    let letters = i32::try_from(text.chars().count()).unwrap_or(i32::MAX / 100);
    letters * size * 3 / 5
}

/// Breaks a text into lines that fit. A word that is too long gets a line of its own.
pub(super) fn wrapped(text: &str, size: i32, width: i32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if room(line, size) + room(word, size) + size <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_does_not_take_is_not_written() {
        assert_eq!(escaped("<a & \"b\">\u{1}"), "&lt;a &amp; &quot;b&quot;&gt;\u{fffd}");
    }

    #[test]
    fn a_long_line_is_broken_between_words() {
        assert_eq!(wrapped("one two three", 10, 60), ["one two", "three"]);
    }
}
