use super::*;
use proptest::prelude::*;

fn plain(value: i64) -> String {
    value.to_string()
}

fn bar(label: &str, value: i64) -> Bar {
    Bar { label: label.to_owned(), value, second: None }
}

/// Every value of an attribute, in order of appearance.
fn attributes<'a>(svg: &'a str, name: &str) -> Vec<&'a str> {
    let start = format!(" {name}=\"");
    svg.split(&start).skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

fn tenths(text: &str) -> i128 {
    let (whole, rest) = text.split_once('.').unwrap_or((text, "0"));
    let sign = if text.starts_with('-') { -1 } else { 1 };
    whole.parse::<i128>().unwrap() * 10 + sign * rest.parse::<i128>().unwrap()
}

/// Elements are closed, nothing is outside the drawing, and no style is in it.
fn sound(svg: &str) {
    for name in ["svg", "title", "rect", "text"] {
        let opened = svg.matches(&format!("<{name}")).count();
        assert_eq!(opened, svg.matches(&format!("</{name}>")).count(), "{name}: {svg}");
    }
    for banned in ["style", "fill", "stroke", "script", "NaN"] {
        assert!(!svg.contains(banned), "{banned}: {svg}");
    }
    let view = attributes(svg, "viewBox")[0];
    let [_, _, width, height] = view.split(' ').collect::<Vec<_>>()[..] else { panic!("{view}") };
    for (names, most) in
        [(["x", "x1", "x2", "width"], tenths(width)), (["y", "y1", "y2", "height"], tenths(height))]
    {
        for value in names.iter().flat_map(|name| attributes(svg, name)) {
            assert!((0..=most).contains(&tenths(value)), "{value} is outside: {svg}");
        }
    }
    let id = attributes(svg, "aria-labelledby")[0];
    assert!(svg.contains(&format!("<title id=\"{id}\">")), "{svg}");
}

/// Where the labels below the bars begin and end.
fn below(svg: &str) -> Vec<(i128, i128)> {
    svg.split("<text ")
        .skip(1)
        .filter(|element| element.contains("\"middle\""))
        .map(|element| {
            let element = format!(" {element}");
            let middle = tenths(attributes(&element, "x")[0]);
            let text = element.split(['>', '<']).nth(1).unwrap();
            (middle - width(text) * 5, middle + width(text) * 5)
        })
        .collect()
}

#[test]
fn bars_have_names_and_round_lines_behind_them() {
    let rows = [
        Bar { label: "1 May".to_owned(), value: 950, second: Some(100) },
        Bar { label: "2 May".to_owned(), value: 0, second: None },
    ];
    let svg = bars_in(WIDE, "Paid by day", &rows, plain);
    sound(&svg);
    assert!(svg.starts_with("<svg "), "{svg}");
    assert!(svg.contains(r#"role="img""#) && svg.contains(">Paid by day</title>"), "{svg}");
    for said in ["1 May: 950", "1 May: 100", "2 May: 0"] {
        assert!(svg.contains(&format!("<title>{said}</title></rect>")), "{said}: {svg}");
    }
    for tick in ["0", "500", "1000"] {
        assert!(svg.contains(&format!(">{tick}</text>")), "{tick}: {svg}");
    }
    assert_eq!(svg.matches("class=\"bar2\"").count(), 1);
    assert_eq!(svg.matches("class=\"axis\"").count(), 1);
    // 950 of 1000 on 180 units, from the bottom at 192.
    assert!(svg.contains(r#"y="21" "#) && svg.contains(r#"height="171""#), "{svg}");
}

#[test]
fn lines_are_round_and_few() {
    for (low, high, lowest, highest, step) in [
        (0, 0, 0, 0, 1),
        (0, 1, 0, 1, 1),
        (0, 4, 0, 4, 1),
        (0, 5, 0, 6, 2),
        (0, 999, 0, 1000, 500),
        (0, 1_234_567, 0, 1_500_000, 500_000),
        (-100, 0, -100, 0, 50),
        (-30, 100, -50, 100, 50),
    ] {
        let scale = Scale::of([low, high].into_iter());
        assert_eq!(scale, Scale { lowest, highest, step }, "{low} to {high}");
    }
    for far in [i64::MAX, i64::MIN] {
        let scale = Scale::of([far].into_iter());
        assert!((2..=5).contains(&scale.ticks().count()), "{scale:?}");
    }
}

#[test]
fn nothing_is_drawn_as_nothing() {
    for svg in [
        bars_in(WIDE, "None", &[], plain),
        bars_in(WIDE, "Zeros", &[bar("a", 0), bar("b", 0)], plain),
        horizontal_in(WIDE, "None", &[], plain),
        horizontal_in(WIDE, "Zeros", &[("a", 0)], plain),
        funnel_in(WIDE, "None", &[]),
        funnel_in(WIDE, "Zeros", &[("created", 0), ("challenge", 0)]),
    ] {
        sound(&svg);
        assert!(attributes(&svg, "height").iter().all(|&h| h == "0" || h == "18"), "{svg}");
        assert!(!svg.contains('%'), "{svg}");
    }
    // The line of zero is the floor.
    assert!(bars_in(WIDE, "None", &[], plain).contains(r#"y1="192""#));
}

#[test]
fn text_stays_text() {
    let evil = "</text></svg><script>alert('1' & \"2\")</script>\u{0}";
    for svg in [
        bars_in(WIDE, evil, &[bar(evil, 5)], |_value| evil.to_owned()),
        horizontal_in(WIDE, evil, &[(evil, 5)], |_value| evil.to_owned()),
        funnel_in(WIDE, evil, &[(evil, 5)]),
    ] {
        assert!(!svg.contains("<script") && !svg.contains('\0'), "{svg}");
        assert_eq!(svg.matches("</svg>").count(), 1, "{svg}");
        assert!(svg.contains("&#60;script&#62;alert(&#39;1&#39; &#38; &#34;2&#34;)"), "{svg}");
    }
}

#[test]
fn the_largest_values_are_drawn() {
    let rows = [
        Bar { label: "most".to_owned(), value: i64::MAX, second: Some(i64::MIN) },
        Bar { label: "least".to_owned(), value: 1, second: Some(-1) },
    ];
    sound(&bars_in(WIDE, "Far", &rows, plain));
    let svg =
        horizontal_in(WIDE, "Far", &[("most", i64::MAX), ("least", i64::MIN), ("one", 1)], plain);
    sound(&svg);
    assert!(svg.contains("<title>least: -9223372036854775808</title>"), "{svg}");
    let svg = funnel_in(WIDE, "Far", &[("most", i64::MAX), ("less", i64::MAX - 1), ("one", 1)]);
    sound(&svg);
    for share in ["100 %", "&#62;99 %", "&#60;1 %"] {
        assert!(svg.contains(share), "{share}: {svg}");
    }
}

#[test]
fn labels_never_collide() {
    for count in [1_usize, 2, 7, 31, 90, 365, 400] {
        for label in ["2026-05-31", "5", "a label that is much too long for its bar"] {
            let rows: Vec<Bar> = (0_i64..).take(count).map(|n| bar(label, n)).collect();
            for room in [WIDE, NARROW] {
                let svg = bars_in(room, "By day", &rows, plain);
                sound(&svg);
                assert_eq!(svg.matches("<rect").count(), count);
                let places = below(&svg);
                assert!(!places.is_empty(), "{count} {label}");
                assert!(places.iter().all(|(start, end)| *start >= 0 && *end <= room * 10));
                for pair in places.windows(2) {
                    assert!(pair[0].1 < pair[1].0, "{count} {label}: {places:?}");
                }
            }
        }
    }
    // Where all have room, all are there.
    let rows: Vec<Bar> = (0..7).map(|n| bar("31 May", n)).collect();
    assert_eq!(below(&bars_in(WIDE, "By day", &rows, plain)).len(), 7);
}

#[test]
fn a_funnel_tells_shares_of_its_first_step() {
    let steps =
        [("created", 300), ("challenge", 200), ("authorised", 150), ("refunded", 1), ("none", 0)];
    let svg = funnel_in(WIDE, "From order to money", &steps);
    sound(&svg);
    for said in ["300 (100 %)", "200 (67 %)", "150 (50 %)", "1 (&#60;1 %)", "0 (0 %)"] {
        assert!(svg.contains(&format!(">{said}</text>")), "{said}: {svg}");
    }
    sound(&funnel_in(NARROW, "From order to money", &steps));
    assert!(funnel("Twice", &steps).matches("</svg>").count() == 2);
    assert_eq!(share(5, 1000).as_deref(), Some("1 %"));
    assert_eq!(share(995, 1000).as_deref(), Some(">99 %"));
    assert_eq!(share(3, 2).as_deref(), Some("150 %"));
    assert_eq!(share(1, 0), None);
}

#[test]
fn drawings_have_names_of_their_own() {
    let one = funnel_in(WIDE, "Same", &[("a", 1)]);
    let other = funnel_in(WIDE, "Same", &[("a", 2)]);
    assert_ne!(attributes(&one, "aria-labelledby"), attributes(&other, "aria-labelledby"));
}

proptest! {
    #[test]
    fn any_values_are_drawn_inside(
        values in prop::collection::vec((any::<i64>(), any::<Option<i64>>()), 0..40),
    ) {
        let rows: Vec<Bar> = values
            .iter()
            .map(|(value, second)| Bar { label: "1 May".to_owned(), value: *value, second: *second })
            .collect();
        sound(&bars_in(WIDE, "Any", &rows, plain));
        sound(&bars_in(NARROW, "Any", &rows, plain));
        let lines: Vec<(&str, i64)> = values.iter().map(|(value, _)| ("UPI", *value)).collect();
        sound(&horizontal_in(WIDE, "Any", &lines, plain));
        sound(&funnel_in(WIDE, "Any", &lines));
    }
}
