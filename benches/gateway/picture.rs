//! What was measured, drawn: SVG, as plain text. Pure.
//!
//! A picture has a ground of its own, light or dark as the reader's system is, so that it can be read on
//! any page.

// Said where it is, as the tests have this module at a path of their own.
#[path = "picture/scale.rs"]
mod scale;

use std::fmt::Write as _;

use scale::Scale;

/// A bar chart of its own scale, which begins at zero.
pub(crate) struct Bars {
    /// What is measured, with its unit.
    pub(crate) measure: String,
    pub(crate) more_is_better: bool,
    /// Names and values; `None` for what could not be measured.
    pub(crate) bars: Vec<(String, Option<f64>)>,
    /// What the machine allows without a server.
    pub(crate) floor: Option<f64>,
}

/// The bar charts of one figure.
pub(crate) struct Card {
    pub(crate) title: String,
    pub(crate) charts: Vec<Bars>,
}

/// A chart of lines, both of its axes logarithmic.
pub(crate) struct Panel {
    pub(crate) title: String,
    /// What goes to the right, and up.
    pub(crate) axes: [&'static str; 2],
    pub(crate) lines: Vec<Line>,
}

/// Charts of lines that belong together, in colours of their own.
pub(crate) struct Section {
    pub(crate) title: String,
    pub(crate) panels: Vec<Panel>,
}

/// Points that belong together; what is not above zero is left out.
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) is_dashed: bool,
    pub(crate) points: Vec<(f64, f64)>,
}

const WIDTH: f64 = 960.0;
const MARGIN: f64 = 24.0;
const COLUMN: f64 = (WIDTH - 3.0 * MARGIN) / 2.0;
const HEAD: f64 = 76.0;

/// Of a card: its title, a chart's line of text, a bar, the room below.
const TITLE: f64 = 20.0;
const MEASURE: f64 = 17.0;
const BAR: f64 = 15.0;
const BELOW: f64 = 18.0;

/// Of a bar: where it begins behind its name, and the most it has before its number.
const NAMES: f64 = 76.0;
const LONGEST: f64 = COLUMN - NAMES - 84.0;

/// Of a section of panels: its title, and the room below all of it.
const SECTION: f64 = 44.0;
const GAP: f64 = 10.0;

/// Of a panel: all of it, and what its numbers, titles and the names of its lines take.
const PANEL: f64 = 300.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 92.0;
const BOTTOM: f64 = 44.0;
const TOP: f64 = 30.0;

const STYLE: &str = "\
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.ground { fill: #ffffff } .quiet { fill: #59636e } .name { font-weight: 600 }
.head { font-size: 20px; font-weight: 600 } .section { font-size: 15px; font-weight: 600 } .right { text-anchor: end } .middle { text-anchor: middle }
.grid { stroke: #d1d9e0; stroke-width: 1 } .floor { stroke: #1f2328; stroke-width: 1.5; stroke-dasharray: 3 2 }
.line { fill: none; stroke-width: 2 } .dashed { stroke-dasharray: 6 4 }
.c0 { fill: #0969da; stroke: #0969da } .c1 { fill: #bc4c00; stroke: #bc4c00 } .c2 { fill: #1a7f37; stroke: #1a7f37 }
.c3 { fill: #8250df; stroke: #8250df } .c4 { fill: #bf3989; stroke: #bf3989 } .bar { stroke: none }
.line.c0, .line.c1, .line.c2, .line.c3, .line.c4 { fill: none } text.label { stroke: none }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .ground { fill: #0d1117 } .quiet { fill: #9198a1 }
.grid { stroke: #2f3742 } .floor { stroke: #e6edf3 }
.c0 { fill: #4493f8; stroke: #4493f8 } .c1 { fill: #f0883e; stroke: #f0883e } .c2 { fill: #3fb950; stroke: #3fb950 }
.c3 { fill: #ab7df8; stroke: #ab7df8 } .c4 { fill: #db61a2; stroke: #db61a2 } }
";

/// Colours that there are.
const COLOURS: usize = 5;

/// The bar charts of all figures, in two columns.
pub(crate) fn bars(title: &str, about: &str, cards: &[Card]) -> String {
    let names = names(cards.iter().flat_map(|card| {
        let charts = card.charts.iter();
        charts.flat_map(|chart| chart.bars.iter().map(|(name, _)| name.as_str()))
    }));
    let mut ends = [HEAD; 2];
    let mut body = String::new();
    for card in cards {
        // Into the column that ends first.
        let column = usize::from(ends[1] < ends[0]);
        let x = MARGIN + column as f64 * (COLUMN + MARGIN);
        ends[column] = draw_card(&mut body, card, &names, x, ends[column]);
    }
    document(title, about, ends[0].max(ends[1]), &body)
}

/// Draws a card and gives where it ends.
fn draw_card(body: &mut String, card: &Card, names: &[&str], x: f64, y: f64) -> f64 {
    let mut y = y + TITLE;
    text(body, "name", x, y - 6.0, &card.title);
    for chart in &card.charts {
        y += MEASURE;
        let better = match chart.more_is_better {
            true => "more is better",
            false => "less is better",
        };
        let floor = chart
            .floor
            .map(|floor| format!("; floor {}", number(floor)))
            .unwrap_or_default();
        let words = format!("{} ({better}{floor})", chart.measure);
        text(body, "quiet", x, y - 4.0, &words);
        let values = chart.bars.iter().filter_map(|(_, value)| *value);
        let most = values.chain(chart.floor).fold(0.0, f64::max);
        let length = |value: f64| {
            if most > 0.0 {
                value.max(0.0) / most * LONGEST
            } else {
                0.0
            }
        };
        let from = y;
        for (name, value) in &chart.bars {
            let colour = colour(names, name);
            text(body, "quiet right", x + NAMES - 6.0, y + BAR - 4.0, name);
            let length = value.map_or(0.0, length);
            if value.is_some() {
                let _ = writeln!(
                    body,
                    "<rect class=\"bar c{colour}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"2\"/>",
                    x + NAMES,
                    y + 2.0,
                    length.max(1.0),
                    BAR - 4.0
                );
            }
            let shown = value.map_or("–".to_owned(), number);
            text(body, "", x + NAMES + length + 6.0, y + BAR - 4.0, &shown);
            y += BAR;
        }
        if let Some(floor) = chart.floor {
            let at = x + NAMES + length(floor);
            line(body, "floor", (at, from), (at, y));
        }
    }
    y + BELOW
}

/// The charts of lines, two side by side.
pub(crate) fn lines(title: &str, about: &str, sections: &[Section]) -> String {
    let mut body = String::new();
    let mut y = HEAD;
    for section in sections {
        y = draw_section(&mut body, section, y);
    }
    document(title, about, y, &body)
}

/// Draws a section and gives where it ends.
fn draw_section(body: &mut String, section: &Section, y: f64) -> f64 {
    let names = names(section.panels.iter().flat_map(|panel| {
        let lines = panel.lines.iter();
        lines.map(|line| line.name.as_str())
    }));
    line(body, "grid", (MARGIN, y), (WIDTH - MARGIN, y));
    text(body, "section", MARGIN, y + SECTION - 14.0, &section.title);
    let top = y + SECTION;
    for (place, panel) in section.panels.iter().enumerate() {
        let x = MARGIN + (place % 2) as f64 * (COLUMN + MARGIN);
        let y = top + (place / 2) as f64 * PANEL;
        draw_panel(body, panel, &names, x, y);
    }
    top + section.panels.len().div_ceil(2) as f64 * PANEL + GAP
}

fn draw_panel(body: &mut String, panel: &Panel, names: &[&str], x: f64, y: f64) {
    let points = || panel.lines.iter().flat_map(visible);
    let across = Scale::over(points().map(|(x, _)| x), [x + LEFT, x + COLUMN - RIGHT]);
    let up = Scale::over(points().map(|(_, y)| y), [y + PANEL - BOTTOM, y + TOP]);
    text(body, "name", x, y + 14.0, &panel.title);
    for (value, at) in across.ticks() {
        line(body, "grid", (at, up.ends[0]), (at, up.ends[1]));
        text(body, "quiet middle", at, up.ends[0] + 16.0, &number(value));
    }
    for (value, at) in up.ticks() {
        line(body, "grid", (across.ends[0], at), (across.ends[1], at));
        text(
            body,
            "quiet right",
            across.ends[0] - 6.0,
            at + 4.0,
            &number(value),
        );
    }
    let [right, above] = panel.axes;
    text(
        body,
        "quiet middle",
        f64::midpoint(across.ends[0], across.ends[1]),
        up.ends[0] + 32.0,
        right,
    );
    text(body, "quiet right", x + COLUMN, y + 14.0, above);
    let mut ends = Vec::new();
    for line in &panel.lines {
        let places: Vec<_> = visible(line)
            .map(|(x, y)| (across.place(x), up.place(y)))
            .collect();
        draw_line(body, line, colour(names, &line.name), &places);
        if let Some(&(x, y)) = places.last() {
            ends.push((x, y, line));
        }
    }
    // From above, and so far apart that no name covers another.
    ends.sort_by(|one, other| one.1.total_cmp(&other.1));
    let mut above = f64::NEG_INFINITY;
    for (x, y, line) in ends {
        above = (y + 4.0).max(above + 13.0);
        let class = format!("label c{}", colour(names, &line.name));
        text(body, &class, x + 7.0, above, &line.name);
    }
}

fn draw_line(body: &mut String, line: &Line, colour: usize, places: &[(f64, f64)]) {
    let dashed = if line.is_dashed { " dashed" } else { "" };
    let path: Vec<_> = places
        .iter()
        .map(|(x, y)| format!("{x:.1},{y:.1}"))
        .collect();
    let _ = writeln!(
        body,
        "<polyline class=\"line c{colour}{dashed}\" points=\"{}\"/>",
        path.join(" ")
    );
    for (x, y) in places {
        let _ = writeln!(
            body,
            "<circle class=\"bar c{colour}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"/>"
        );
    }
}

fn visible(line: &Line) -> impl Iterator<Item = (f64, f64)> {
    let points = line.points.iter().copied();
    points.filter(|(x, y)| *x > 0.0 && *y > 0.0 && x.is_finite() && y.is_finite())
}

/// Every name once, in the order of its first use.
fn names<'a>(all: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut names = Vec::new();
    for name in all.map(stem) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// `wsd p99` has the colour of `wsd`.
fn stem(name: &str) -> &str {
    name.split(' ').next().unwrap_or(name)
}

fn colour(names: &[&str], name: &str) -> usize {
    let place = names.iter().position(|other| *other == stem(name));
    place.unwrap_or(0) % COLOURS
}

/// `3.69 M`, `469 k`, `23.8`, `0.01`.
pub(crate) fn number(value: f64) -> String {
    let (scale, unit) = match value.abs() {
        999_500.0.. => (1e6, " M"),
        9_999.5.. => (1e3, " k"),
        _ => (1.0, ""),
    };
    let scaled = value / scale;
    let digits = match scaled.abs() {
        99.95.. => 0,
        9.995.. => 1,
        _ => 2,
    };
    let text = format!("{scaled:.digits$}");
    let text = match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => &text,
    };
    format!("{text}{unit}")
}

fn text(body: &mut String, class: &str, x: f64, y: f64, words: &str) {
    let words = escaped(words);
    let _ = writeln!(
        body,
        "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{words}</text>"
    );
}

fn line(body: &mut String, class: &str, from: (f64, f64), to: (f64, f64)) {
    let _ = writeln!(
        body,
        "<line class=\"{class}\" x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"/>",
        from.0, from.1, to.0, to.1
    );
}

fn document(title: &str, about: &str, height: f64, body: &str) -> String {
    let mut head = String::new();
    text(&mut head, "head", MARGIN, 36.0, title);
    text(&mut head, "quiet", MARGIN, 58.0, about);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height:.0}\" width=\"{WIDTH}\" height=\"{height:.0}\" role=\"img\">\n\
         <title>{}</title>\n<style>\n{STYLE}</style>\n<rect class=\"ground\" width=\"100%\" height=\"100%\" rx=\"6\"/>\n{head}{body}</svg>\n",
        escaped(title)
    )
}

/// XML's own characters (XML 1.0 §2.4).
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
