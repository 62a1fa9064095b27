//! Plots as SVG: axes, labels and a legend, readable on light and on dark ground, with text as text
//! and nothing from elsewhere.
#![expect(clippy::float_arithmetic, reason = "places on paper, not money")]

use std::fmt::Write as _;

/// The size of the paper, and where the axes stand on it.
const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 460.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = 736.0;
const TOP: f64 = 92.0;
const BOTTOM: f64 = 400.0;

/// Colours of lines on light and on dark ground; each has a mark and a dash of its own as well, for
/// those who do not tell colours apart.
const STYLE: &str = "\
svg{--paper:#ffffff;--ink:#1c1c1e;--grid:#d8d8dc;--one:#0a58a8;--two:#a8480a;--three:#2c6e2f}\n\
@media (prefers-color-scheme:dark){svg{--paper:#16181c;--ink:#ececf0;--grid:#3c4048;\
--one:#6cb4ff;--two:#ffa35c;--three:#7fd083}}\n\
text{font:13px system-ui,sans-serif;fill:var(--ink)}\n\
.title{font-size:17px;font-weight:600}\n\
.paper{fill:var(--paper)}\n\
.grid{stroke:var(--grid);stroke-width:1}\n\
.axis{stroke:var(--ink);stroke-width:1.2;fill:none}\n\
.line{fill:none;stroke-width:2.2}\n\
.one{stroke:var(--one)}.two{stroke:var(--two);stroke-dasharray:9 4}\
.three{stroke:var(--three);stroke-dasharray:2 4}\n\
.mark{fill:var(--paper);stroke-width:1.8;stroke-dasharray:none}\n";

const CLASSES: [&str; 3] = ["one", "two", "three"];

/// A scale with its marks.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    /// What it shows, with the unit.
    pub(super) label: String,
    /// Where it is marked, rising, and how; it reaches from the first to the last.
    pub(super) ticks: Vec<(f64, String)>,
    /// Whether equal steps are equal factors.
    pub(super) logarithmic: bool,
}

impl Axis {
    /// A logarithmic axis whose marks, 1, 2 and 5 of each power of ten, enclose all these values.
    pub(super) fn around(label: &str, values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.map(|value| value.max(0.001)).collect();
        values.sort_by(f64::total_cmp);
        let low = values.first().copied().unwrap_or(1.0);
        let high = values.last().copied().unwrap_or(10.0).max(low * 2.0);
        let mut steps = Vec::new();
        for power in -3..12 {
            for factor in [1.0, 2.0, 5.0] {
                steps.push(factor * 10_f64.powi(power));
            }
        }
        let first = steps.iter().rposition(|step| *step <= low).unwrap_or(0);
        let last = steps.iter().position(|step| *step >= high).unwrap_or(steps.len());
        let many = last.saturating_sub(first).saturating_add(1);
        let within = steps.into_iter().skip(first).take(many);
        let ticks = within.map(|step| (step, in_words(step))).collect();
        Self { label: label.to_owned(), ticks, logarithmic: true }
    }

    fn scaled(&self, value: f64) -> f64 {
        if self.logarithmic { value.max(0.001).ln() } else { value }
    }

    /// From 0 at the first mark to 1 at the last.
    fn share(&self, value: f64) -> f64 {
        let ends = (self.ticks.first(), self.ticks.last());
        let (Some((low, _)), Some((high, _))) = ends else { return 0.0 };
        let (low, high) = (self.scaled(*low), self.scaled(*high));
        if high > low { ((self.scaled(value) - low) / (high - low)).clamp(0.0, 1.0) } else { 0.5 }
    }
}

/// 20000 as 20 k.
fn in_words(value: f64) -> String {
    // Marks are round numbers: three decimals show the smallest of them whole.
    let short = |value: f64| {
        let text = format!("{value:.3}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    if value >= 1_000_000.0 {
        format!("{} M", short(value / 1_000_000.0))
    } else if value >= 1_000.0 {
        format!("{} k", short(value / 1_000.0))
    } else {
        short(value)
    }
}

/// A line with its name.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) points: Vec<(f64, f64)>,
}

/// A plot of at most three lines.
#[derive(Clone, Debug)]
pub(super) struct Plot {
    pub(super) title: String,
    pub(super) across: Axis,
    pub(super) up: Axis,
    pub(super) lines: Vec<Line>,
}

impl Plot {
    pub(super) fn to_svg(&self) -> String {
        let mut svg = String::new();
        let title = escaped(&self.title);
        let names: Vec<String> = self.lines.iter().map(|line| escaped(&line.name)).collect();
        let (across, up) = (escaped(&self.across.label), escaped(&self.up.label));
        let description = format!("{up} against {across}: {}", names.join(", "));
        let _infallible = write!(
            svg,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
             role=\"img\" aria-labelledby=\"title description\">\n\
             <title id=\"title\">{title}</title>\n\
             <desc id=\"description\">{description}</desc>\n<style>\n{STYLE}</style>\n\
             <rect class=\"paper\" width=\"{WIDTH}\" height=\"{HEIGHT}\"/>\n\
             <text class=\"title\" x=\"{LEFT}\" y=\"30\">{title}</text>\n"
        );
        self.draw_axes(&mut svg);
        let classes = CLASSES.iter().cycle();
        let mut legend_at = LEFT;
        for ((line, name), class) in self.lines.iter().zip(&names).zip(classes) {
            self.draw_line(&mut svg, line, class);
            draw_legend(&mut svg, legend_at, name, class);
            let letters = u32::try_from(line.name.chars().count()).unwrap_or(0);
            legend_at += f64::from(letters) * 7.2 + 64.0;
        }
        svg.push_str("</svg>\n");
        svg
    }

    fn place(&self, (across, up): (f64, f64)) -> (f64, f64) {
        let x = LEFT + (RIGHT - LEFT) * self.across.share(across);
        (x, BOTTOM - (BOTTOM - TOP) * self.up.share(up))
    }

    fn draw_axes(&self, svg: &mut String) {
        let across = self.across.ticks.iter();
        for (value, words) in across {
            let x = LEFT + (RIGHT - LEFT) * self.across.share(*value);
            let (words, below) = (escaped(words), BOTTOM + 20.0);
            let _infallible = write!(
                svg,
                "<line class=\"grid\" x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{BOTTOM}\"/>\n\
                 <text x=\"{x:.1}\" y=\"{below}\" text-anchor=\"middle\">{words}</text>\n"
            );
        }
        for (value, words) in &self.up.ticks {
            let y = BOTTOM - (BOTTOM - TOP) * self.up.share(*value);
            let (words, beside, base) = (escaped(words), LEFT - 8.0, y + 4.0);
            let _infallible = write!(
                svg,
                "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{RIGHT}\" y2=\"{y:.1}\"/>\n\
                 <text x=\"{beside}\" y=\"{base:.1}\" text-anchor=\"end\">{words}</text>\n"
            );
        }
        let (middle, foot) = (f64::midpoint(LEFT, RIGHT), HEIGHT - 16.0);
        let centre = f64::midpoint(TOP, BOTTOM);
        let (across, up) = (escaped(&self.across.label), escaped(&self.up.label));
        let _infallible = write!(
            svg,
            "<path class=\"axis\" d=\"M{LEFT} {TOP}V{BOTTOM}H{RIGHT}\"/>\n\
             <text x=\"{middle}\" y=\"{foot}\" text-anchor=\"middle\">{across}</text>\n\
             <text transform=\"translate(22 {centre}) rotate(-90)\" text-anchor=\"middle\">{up}\
             </text>\n"
        );
    }

    fn draw_line(&self, svg: &mut String, line: &Line, class: &str) {
        let places: Vec<(f64, f64)> = line.points.iter().map(|point| self.place(*point)).collect();
        let points: Vec<String> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let points = points.join(" ");
        let _infallible = writeln!(svg, "<polyline class=\"line {class}\" points=\"{points}\"/>");
        for (x, y) in places {
            draw_mark(svg, x, y, class);
        }
    }
}

fn draw_legend(svg: &mut String, x: f64, name: &str, class: &str) {
    let (to, middle, text) = (x + 30.0, x + 15.0, x + 38.0);
    let _infallible = writeln!(svg, "<path class=\"line {class}\" d=\"M{x:.1} 62H{to:.1}\"/>");
    draw_mark(svg, middle, 62.0, class);
    let _infallible = writeln!(svg, "<text x=\"{text:.1}\" y=\"66\">{name}</text>");
}

/// A circle, a square, or a triangle.
fn draw_mark(svg: &mut String, x: f64, y: f64, class: &str) {
    let shape = match class {
        "two" => format!("M{:.1} {:.1}h7v7h-7z", x - 3.5, y - 3.5),
        "three" => format!("M{x:.1} {:.1}l4.2 7.6h-8.4z", y - 4.8),
        _ => format!("M{:.1} {y:.1}a3.8 3.8 0 1 0 7.6 0a3.8 3.8 0 1 0 -7.6 0z", x - 3.8),
    };
    let _infallible = writeln!(svg, "<path class=\"mark {class}\" d=\"{shape}\"/>");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use roxmltree::{Document, Node};

    fn sample() -> Plot {
        let clients = [1.0, 2.0, 4.0, 8.0];
        let rates = [1_976.0, 3_500.0, 9_000.0, 17_400.0];
        let line = |name: &str, factor: f64| Line {
            name: name.to_owned(),
            points: clients.iter().zip(rates).map(|(x, y)| (*x, y * factor)).collect(),
        };
        let lines = vec![line("gateway", 1.0), line("a <bare> log & more", 4.0)];
        let values = lines.iter().flat_map(|line| line.points.iter().map(|point| point.1));
        let up = Axis::around("per second", values.collect::<Vec<_>>().into_iter());
        let ticks = clients.iter().map(|x| (*x, format!("{x}"))).collect();
        let across = Axis { label: "clients".to_owned(), ticks, logarithmic: true };
        Plot { title: "Throughput \"now\"".to_owned(), across, up, lines }
    }

    fn number(node: Node<'_, '_>, name: &str) -> f64 {
        node.attribute(name).unwrap().parse().unwrap()
    }

    #[test]
    fn a_plot_is_whole_and_inside_its_paper() {
        let svg = sample().to_svg();
        let document = Document::parse(&svg).unwrap();
        let all: Vec<Node<'_, '_>> = document.descendants().collect();
        let texts: Vec<&str> =
            all.iter().filter(|node| node.has_tag_name("text")).filter_map(Node::text).collect();
        for text in ["clients", "per second", "gateway", "a <bare> log & more", "1 k", "100 k", "8"]
        {
            assert!(texts.contains(&text), "{text} is not in {texts:?}");
        }
        let lines: Vec<&Node<'_, '_>> =
            all.iter().filter(|node| node.has_tag_name("polyline")).collect();
        assert_eq!(lines.len(), 2);
        for line in lines {
            let points: Vec<(f64, f64)> = line
                .attribute("points")
                .unwrap()
                .split(' ')
                .map(|point| point.split_once(',').unwrap())
                .map(|(x, y)| (x.parse().unwrap(), y.parse().unwrap()))
                .collect();
            assert_eq!(points.len(), 4);
            let rises = points.windows(2).all(|two| two[0].0 < two[1].0 && two[0].1 > two[1].1);
            assert!(rises, "more is further right, and higher: {points:?}");
            for (x, y) in points {
                assert!((LEFT..=RIGHT).contains(&x) && (TOP..=BOTTOM).contains(&y));
            }
        }
        for text in all.iter().filter(|node| node.has_tag_name("text")) {
            if text.has_attribute("x") {
                assert!((0.0..WIDTH).contains(&number(*text, "x")));
                assert!((0.0..HEIGHT).contains(&number(*text, "y")));
            }
        }
    }

    #[test]
    fn it_is_told_to_those_who_do_not_see_it_and_fetches_nothing() {
        let svg = sample().to_svg();
        let document = Document::parse(&svg).unwrap();
        let root = document.root_element();
        assert_eq!(root.attribute("role"), Some("img"));
        let title = root.children().find(|node| node.has_tag_name("title")).unwrap();
        assert_eq!(title.text(), Some("Throughput \"now\""));
        assert!(root.children().any(|node| node.has_tag_name("desc")));
        let elsewhere = svg.replace("http://www.w3.org/2000/svg", "");
        for word in ["http", "href", "url(", "@import", "<script", "<image", "@font-face"] {
            assert!(!elsewhere.contains(word), "{word}");
        }
    }

    /// The relative luminance of WCAG 2.
    fn luminance(colour: &str) -> f64 {
        let part = |from: usize| {
            let value = f64::from(u8::from_str_radix(&colour[from..from + 2], 16).unwrap()) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        part(1) * 0.2126 + part(3) * 0.7152 + part(5) * 0.0722
    }

    #[test]
    fn words_and_lines_stand_out_on_light_and_on_dark_ground() {
        let (light, dark) = STYLE.split_once("prefers-color-scheme:dark").unwrap();
        for ground in [light, dark] {
            let colour = |name: &str| {
                let at = ground.find(&format!("--{name}:")).unwrap() + name.len() + 3;
                luminance(&ground[at..at + 7])
            };
            let contrast = |name: &str| {
                let (one, other) = (colour(name), colour("paper"));
                (one.max(other) + 0.05) / (one.min(other) + 0.05)
            };
            assert!(contrast("ink") >= 7.0);
            for line in CLASSES {
                assert!(contrast(line) >= 4.5, "{line}: {}", contrast(line));
            }
        }
    }

    #[test]
    fn axes_enclose_their_values_with_round_marks() {
        let ticks = |values: &[f64]| -> Vec<String> {
            let axis = Axis::around("", values.iter().copied());
            axis.ticks.into_iter().map(|(_, words)| words).collect()
        };
        assert_eq!(ticks(&[0.3, 4.0]), ["0.2", "0.5", "1", "2", "5"]);
        assert_eq!(ticks(&[700.0, 17_400.0]), ["500", "1 k", "2 k", "5 k", "10 k", "20 k"]);
        assert_eq!(ticks(&[0.0]), ["0.001", "0.002"]);
        assert_eq!(ticks(&[1_500_000.0]), ["1 M", "2 M", "5 M"]);
    }
}
