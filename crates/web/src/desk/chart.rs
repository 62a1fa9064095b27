//! Charts as SVG, to stand in a page: drawn from whole numbers by whole-number arithmetic, without
//! scripts and without styles. The style sheet gives the classes `bar`, `bar2`, `axis`, `grid` and
//! `label` their colours.
//!
//! A drawing scales with its place. Its letters are 12 units high; room is kept for a wide typeface
//! of that height. Each chart is drawn twice, wide and for a phone, of which the style sheet shows the
//! one that its place has room for. For readers of the screen it is one image with its title as name: what it says
//! in figures must stand beside it as text.

#[cfg(test)]
#[path = "chart_tests.rs"]
mod tests;

use askama::filters::{Escaper as _, Html};
use std::fmt::Write as _;

/// Width of a drawing, in units.
const WIDE: i128 = 720;
/// Width of the one for phones.
const NARROW: i128 = 340;
/// Height of the letters.
const LETTERS: i128 = 12;
/// Between two things that must not touch.
const GAP: i128 = 8;
/// Most characters of a label; the whole one is told when the bar is pointed at.
const LABEL_AT_MOST: usize = 28;

/// One bar, or two side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bar {
    /// What it is of, such as a day.
    pub label: String,
    /// How much; of money, whole minor units.
    pub value: i64,
    /// How much of a second thing, in the same unit.
    pub second: Option<i64>,
}

/// Bars beside each other, as by day, with three to five lines of round figures behind them.
/// Values below zero hang from the line of zero. `format` says a value in words.
pub fn bars(title: &str, rows: &[Bar], format: impl Fn(i64) -> String) -> String {
    both(|room| bars_in(room, title, rows, &format))
}

/// Both drawings.
fn both(draw: impl Fn(i128) -> String) -> String {
    draw(WIDE) + &draw(NARROW)
}

fn bars_in(room: i128, title: &str, rows: &[Bar], format: impl Fn(i64) -> String) -> String {
    const TOP: i128 = 12;
    const PLOT_HEIGHT: i128 = 180;
    const HEIGHT: i128 = TOP + PLOT_HEIGHT + 28;
    let scale = Scale::of(rows.iter().flat_map(|row| [row.value, row.second.unwrap_or(0)]));
    let ticks: Vec<(i128, String)> = scale
        .ticks()
        .map(|tick| {
            let label = i64::try_from(tick).map(|tick| short(&format(tick))).unwrap_or_default();
            (tick, label)
        })
        .collect();
    let widest = ticks.iter().map(|(_, label)| width(label)).max().unwrap_or(0);
    let left = widest + GAP;
    let frame = Frame { left, room, top: TOP, height: PLOT_HEIGHT, scale };
    let mut body = String::new();
    for (tick, label) in &ticks {
        let y = frame.y(*tick);
        let class = if *tick == 0 { "axis" } else { "grid" };
        line(&mut body, class, (left * 10, y), (room * 10, y));
        text(&mut body, (widest * 10, y + LETTERS * 10 / 3), "end", label);
    }
    for (place, row) in rows.iter().enumerate() {
        frame.bar(&mut body, (place, rows.len()), row, &format);
    }
    let labels = rows.iter().map(|row| short(&row.label)).collect::<Vec<_>>();
    frame.labels_below(&mut body, &labels, (TOP + PLOT_HEIGHT + 20) * 10);
    drawing(title, (room, HEIGHT), &body)
}

/// Bars below each other, as by method: label, bar, value. A value below zero has no bar, only its
/// figure. `format` says a value in words.
pub fn horizontal(title: &str, rows: &[(&str, i64)], format: impl Fn(i64) -> String) -> String {
    both(|room| horizontal_in(room, title, rows, &format))
}

fn horizontal_in(
    room: i128,
    title: &str,
    rows: &[(&str, i64)],
    format: impl Fn(i64) -> String,
) -> String {
    let lines: Vec<Line<'_>> = rows
        .iter()
        .map(|(label, value)| Line { label, value: *value, said: format(*value) })
        .collect();
    let most = lines.iter().map(|line| line.value).max().unwrap_or(0);
    lying(room, title, &lines, most)
}

/// Steps that ever fewer reach, each with its count and its share of the first one in per cent.
/// `<1 %` is some, `>99 %` is not all.
pub fn funnel(title: &str, steps: &[(&str, i64)]) -> String {
    both(|room| funnel_in(room, title, steps))
}

fn funnel_in(room: i128, title: &str, steps: &[(&str, i64)]) -> String {
    let first = steps.first().map_or(0, |(_, count)| *count);
    let lines: Vec<Line<'_>> = steps
        .iter()
        .map(|(label, count)| {
            let said = match share(*count, first) {
                Some(share) => format!("{count} ({share})"),
                None => count.to_string(),
            };
            Line { label, value: *count, said }
        })
        .collect();
    let most = lines.iter().map(|line| line.value).max().unwrap_or(0);
    lying(room, title, &lines, most)
}

/// What part of the whole this is, rounded half up; none of nothing.
fn share(part: i64, whole: i64) -> Option<String> {
    if whole <= 0 || part < 0 {
        return None;
    }
    let (part, whole) = (i128::from(part), i128::from(whole));
    let percent = (part * 200 + whole) / (whole * 2);
    Some(match percent {
        0 if part > 0 => "<1 %".to_owned(),
        100 if part < whole => ">99 %".to_owned(),
        percent => format!("{percent} %"),
    })
}

/// A row of a chart whose bars lie.
struct Line<'a> {
    label: &'a str,
    value: i64,
    said: String,
}

/// `most`: the value of a bar that takes all the room.
fn lying(width_of_all: i128, title: &str, lines: &[Line<'_>], most: i64) -> String {
    const LINE: i128 = 28;
    const THICKNESS: i128 = 18;
    let labels = lines.iter().map(|line| width(&short(line.label))).max().unwrap_or(0);
    let figures = lines.iter().map(|line| width(&short(&line.said))).max().unwrap_or(0);
    let left = labels + GAP;
    let room = (width_of_all - left - figures - GAP).max(GAP);
    let mut body = String::new();
    let mut top = 4_i128;
    for row in lines {
        let y = top * 10 + 50;
        let length = extent(i128::from(row.value.max(0)), i128::from(most), room * 10);
        let base = (top + LINE / 2) * 10 + LETTERS * 10 / 3;
        text(&mut body, (labels * 10, base), "end", &short(row.label));
        let said = format!("{}: {}", row.label, row.said);
        rectangle(&mut body, "bar", (left * 10, y), (length, THICKNESS * 10), &said);
        text(&mut body, (left * 10 + length + GAP * 10, base), "start", &short(&row.said));
        top += LINE;
    }
    let bottom = top + 4;
    line(&mut body, "axis", (left * 10, 40), (left * 10, (bottom - 4) * 10));
    drawing(title, (width_of_all, bottom), &body)
}

/// The part of the room that a value takes; what is not nothing is seen.
fn extent(value: i128, most: i128, room: i128) -> i128 {
    if value <= 0 || most <= 0 { 0 } else { (value * room / most).clamp(5, room.max(5)) }
}

/// The values between two round figures around zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Scale {
    /// Not above zero.
    lowest: i128,
    /// Not below zero.
    highest: i128,
    /// 1, 2 or 5 with noughts; from the lowest to the highest it is at most four of them.
    step: i128,
}

impl Scale {
    fn of(values: impl Iterator<Item = i64>) -> Self {
        let (low, high) = values.fold((0_i128, 0_i128), |(low, high), value| {
            (low.min(value.into()), high.max(value.into()))
        });
        let mut power = 1_i128;
        loop {
            for step in [power, power * 2, power * 5] {
                // Away from zero, so that every value is inside.
                let below = -((-low + step - 1) / step);
                let above = (high + step - 1) / step;
                if above - below <= 4 {
                    return Self { lowest: below * step, highest: above * step, step };
                }
            }
            // Ends before 10^20, for no value is larger than 2^63.
            power *= 10;
        }
    }

    fn ticks(self) -> impl Iterator<Item = i128> {
        let places = 0..=(self.highest - self.lowest) / self.step;
        places.map(move |place| self.lowest + place * self.step)
    }
}

/// Where upright bars stand, in units; places are told in tenths of them.
struct Frame {
    left: i128,
    /// Width of the whole drawing.
    room: i128,
    top: i128,
    height: i128,
    scale: Scale,
}

impl Frame {
    fn y(&self, value: i128) -> i128 {
        let span = self.scale.highest - self.scale.lowest;
        // Nothing but zeros: the line of zero is the floor.
        let above = if span == 0 { self.height * 10 } else { 0 };
        let fallen = (self.scale.highest - value) * self.height * 10;
        self.top * 10 + above + fallen.checked_div(span).unwrap_or(0)
    }

    /// Where a bar's room begins, the place behind the last one included.
    fn slot(&self, place: usize, of: usize) -> i128 {
        let (place, of) = (whole(place), whole(of).max(1));
        self.left * 10 + (self.room - self.left) * 10 * place / of
    }

    fn bar(
        &self,
        out: &mut String,
        (place, of): (usize, usize),
        row: &Bar,
        format: impl Fn(i64) -> String,
    ) {
        let (start, end) = (self.slot(place, of), self.slot(place.saturating_add(1), of));
        // One bar alone would fill the drawing.
        let room = ((end - start) * 7 / 10).clamp(1, 480);
        let start = start + (end - start - room) / 2;
        let thickness = if row.second.is_some() { (room / 2).max(1) } else { room };
        let both = [("bar", Some(row.value)), ("bar2", row.second)];
        for (x, (class, value)) in [start, start + thickness].into_iter().zip(both) {
            let Some(value) = value else { continue };
            let (zero, tip) = (self.y(0), self.y(value.into()));
            let height = if value == 0 { 0 } else { (zero - tip).abs().max(5) };
            let top = if value < 0 { zero } else { zero - height };
            let said = format!("{}: {}", row.label, format(value));
            rectangle(out, class, (x, top), (thickness, height), &said);
        }
    }

    /// As many of the labels as have room, at even distances.
    fn labels_below(&self, out: &mut String, labels: &[String], y: i128) {
        let widest = labels.iter().map(|label| width(label)).max().unwrap_or(0);
        let needed = (widest + GAP) * whole(labels.len());
        let every = needed.div_euclid((self.room - self.left).max(1)).saturating_add(1);
        let every = usize::try_from(every).unwrap_or(usize::MAX);
        let mut taken = 0_i128;
        for (place, label) in labels.iter().enumerate().step_by(every) {
            let next = self.slot(place.saturating_add(1), labels.len());
            let half = width(label) * 5;
            let middle = i128::midpoint(self.slot(place, labels.len()), next);
            let middle = middle.min(self.room * 10 - half).max(half);
            if middle - half >= taken {
                text(out, (middle, y), "middle", label);
                taken = middle + half + GAP * 10;
            }
        }
    }
}

fn whole(count: usize) -> i128 {
    i128::try_from(count).unwrap_or(0)
}

/// Room that a text needs, in units, in a rather wide typeface.
fn width(label: &str) -> i128 {
    label.chars().map(|c| if c.is_ascii() { 8 } else { LETTERS }).sum()
}

/// The text on one line and not longer than there is room for.
fn short(label: &str) -> String {
    let clean: String = label.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if clean.chars().count() <= LABEL_AT_MOST {
        return clean;
    }
    let kept = LABEL_AT_MOST.saturating_sub(1);
    clean.chars().take(kept).chain(std::iter::once('…')).collect()
}

/// Tenths of a unit as a decimal number.
fn units(tenths: i128) -> String {
    let sign = if tenths < 0 { "-" } else { "" };
    let (whole, rest) = (tenths.abs() / 10, tenths.abs() % 10);
    if rest == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{rest}") }
}

fn escaped(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut out = String::new();
    // Infallible: a `String` takes everything.
    let _infallible = Html.write_escaped_str(&mut out, &clean);
    out
}

fn line(out: &mut String, class: &str, from: (i128, i128), to: (i128, i128)) {
    let [x1, y1, x2, y2] = [from.0, from.1, to.0, to.1].map(units);
    let _infallible =
        write!(out, r#"<line class="{class}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>"#);
}

fn rectangle(out: &mut String, class: &str, place: (i128, i128), size: (i128, i128), said: &str) {
    let [x, y, w, h] = [place.0, place.1, size.0, size.1].map(units);
    let said = escaped(said);
    let _infallible = write!(
        out,
        r#"<rect class="{class}" x="{x}" y="{y}" width="{w}" height="{h}"><title>{said}</title></rect>"#
    );
}

fn text(out: &mut String, place: (i128, i128), anchor: &str, label: &str) {
    let [x, y] = [place.0, place.1].map(units);
    let label = escaped(label);
    let _infallible =
        write!(out, r#"<text class="label" x="{x}" y="{y}" text-anchor="{anchor}">{label}</text>"#);
}

/// The whole element. Its name's id comes from all that is in it, so that several stand in a page.
fn drawing(title: &str, (width, height): (i128, i128), body: &str) -> String {
    // FNV-1a, 64 bits.
    let id = title.bytes().chain(body.bytes()).fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let title = escaped(title);
    let class = if width == WIDE { "wide" } else { "narrow" };
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" class="{class}" viewBox="0 0 {width} {height}" font-size="{LETTERS}" role="img" aria-labelledby="chart-{id:016x}"><title id="chart-{id:016x}">{title}</title>{body}</svg>"#
    )
}
