//! The pictures that `scripts/bench --svg` draws. A benchmark has no tests of its own.

#[path = "../../benches/gateway/picture.rs"]
mod picture;

use picture::{Bars, Card, Line, Panel, Section, bars, lines, number};

fn card(bars: &[(&str, Option<f64>)], floor: Option<f64>) -> Card {
    let owned = |(name, value): &(&str, Option<f64>)| ((*name).to_owned(), *value);
    Card {
        title: "round trip <16 B> & more".to_owned(),
        charts: vec![Bars {
            measure: "p50, µs".to_owned(),
            more_is_better: false,
            bars: bars.iter().map(owned).collect(),
            floor,
        }],
    }
}

/// The values of an attribute, in order, of the elements that begin like this.
fn values(picture: &str, element: &str, attribute: &str) -> Vec<f64> {
    let lines = picture.lines().filter(|line| line.starts_with(element));
    let value = |line: &str| {
        let rest = line.split(&format!(" {attribute}=\"")).nth(1)?;
        rest.split('"').next()?.parse().ok()
    };
    lines.filter_map(value).collect()
}

#[test]
fn bars_are_as_long_as_their_values() {
    let picture = bars(
        "t",
        "a",
        &[card(&[("wsd", Some(10.0)), ("other", Some(40.0))], None)],
    );
    let lengths = values(&picture, "<rect class=\"bar", "width");
    assert_eq!(lengths.len(), 2);
    assert!((lengths[1] / lengths[0] - 4.0).abs() < 0.01, "{lengths:?}");
}

#[test]
fn what_could_not_be_measured_has_a_name_and_no_bar() {
    let picture = bars(
        "t",
        "a",
        &[card(&[("wsd", Some(1.0)), ("other", None)], None)],
    );
    assert_eq!(values(&picture, "<rect class=\"bar", "width").len(), 1);
    assert!(
        picture.contains(">other<") && picture.contains(">–<"),
        "{picture}"
    );
}

#[test]
fn floor_stands_on_the_scale_of_the_bars() {
    let picture = bars("t", "a", &[card(&[("wsd", Some(20.0))], Some(10.0))]);
    let bar = values(&picture, "<rect class=\"bar", "width")[0];
    let start = values(&picture, "<rect class=\"bar", "x")[0];
    let floor = values(&picture, "<line class=\"floor", "x1")[0];
    assert!((floor - start - bar / 2.0).abs() < 0.2, "{picture}");
    assert!(picture.contains("floor 10"));
}

#[test]
fn text_is_escaped() {
    let picture = bars("a < b", "c & d", &[card(&[("wsd", Some(1.0))], None)]);
    for part in [
        "a &lt; b",
        "c &amp; d",
        "round trip &lt;16 B&gt; &amp; more",
    ] {
        assert!(picture.contains(part), "{part}");
    }
    assert_eq!(picture.matches("<svg").count(), 1);
    assert!(picture.ends_with("</svg>\n"));
}

#[test]
fn nothing_measured_is_still_a_picture() {
    for picture in [
        bars("t", "a", &[]),
        bars("t", "a", &[card(&[("wsd", Some(0.0))], None)]),
        lines("t", "a", &[section(panel(&[]))]),
        lines("t", "a", &[section(panel(&[(1.0, 0.0), (f64::NAN, 2.0)]))]),
    ] {
        assert!(
            !picture.contains("NaN") && !picture.contains("inf"),
            "{picture}"
        );
    }
}

fn panel(points: &[(f64, f64)]) -> Panel {
    Panel {
        title: "memory".to_owned(),
        axes: ["sessions", "MiB"],
        lines: vec![Line {
            name: "wsd".to_owned(),
            is_dashed: false,
            points: points.to_vec(),
        }],
    }
}

fn section(panel: Panel) -> Section {
    Section {
        title: "sessions".to_owned(),
        panels: vec![panel],
    }
}

#[test]
fn equal_factors_are_equal_steps() {
    let picture = lines(
        "t",
        "a",
        &[section(panel(&[(1.0, 2.0), (10.0, 20.0), (100.0, 200.0)]))],
    );
    let across = values(&picture, "<circle", "cx");
    let up = values(&picture, "<circle", "cy");
    assert!((across[2] - across[1] - (across[1] - across[0])).abs() < 0.2);
    assert!((up[0] - up[1] - (up[1] - up[2])).abs() < 0.2 && up[0] > up[2]);
}

#[test]
fn numbers_are_short() {
    for (value, text) in [
        (0.0, "0"),
        (0.012, "0.01"),
        (23.84, "23.8"),
        (100.0, "100"),
        (9_999.0, "9999"),
        (469_120.0, "469 k"),
        (3_690_000.0, "3.69 M"),
        (1_000_000.0, "1 M"),
    ] {
        assert_eq!(number(value), text);
    }
}

#[test]
fn names_of_lines_that_end_together_do_not_cover_each_other() {
    let line = |name: &str, height| Line {
        name: name.to_owned(),
        is_dashed: false,
        points: vec![(1.0, 1.0), (10.0, height)],
    };
    let panel = Panel {
        lines: vec![line("one", 50.0), line("two", 50.0), line("three", 49.0)],
        ..panel(&[])
    };
    let picture = lines("t", "a", &[section(panel)]);
    let height = |name: &str| {
        let end = format!(">{name}</text>");
        let line = picture
            .lines()
            .find(|line| line.ends_with(&end))
            .expect("a name");
        values(line, "<text", "y")[0]
    };
    assert!(height("two") - height("one") > 12.0, "{picture}");
    assert!(height("three") - height("two") > 12.0, "{picture}");
}

#[test]
fn each_section_has_its_colours_from_the_first_on() {
    let line = |name: &str| Line {
        name: name.to_owned(),
        is_dashed: false,
        points: vec![(1.0, 1.0), (10.0, 10.0)],
    };
    let of = |names: &[&str]| {
        section(Panel {
            lines: names.iter().map(|name| line(name)).collect(),
            ..panel(&[])
        })
    };
    let picture = lines("t", "a", &[of(&["one", "two"]), of(&["three"])]);
    let class = |name: &str| {
        let end = format!(">{name}</text>");
        let line = picture.lines().find(|line| line.ends_with(&end));
        line.expect("a name").split('"').nth(1).expect("a class")
    };
    assert_eq!(class("one"), "label c0");
    assert_eq!(class("two"), "label c1");
    assert_eq!(class("three"), "label c0");
}

#[test]
fn sections_stand_one_below_the_other() {
    let two = [
        section(panel(&[(1.0, 1.0), (10.0, 10.0)])),
        section(panel(&[(1.0, 1.0), (10.0, 10.0)])),
    ];
    let picture = lines("t", "a", &two);
    let points = values(&picture, "<circle", "cy");
    assert!(
        points[2..].iter().all(|below| *below > points[0]),
        "{picture}"
    );
}
