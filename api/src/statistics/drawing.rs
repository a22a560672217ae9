//! Charts as SVG: bars and a line, with a title and in words what they show, for those who do not see it.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::kernel::problem::{Outcome, Problem};
use crate::kernel::text::escaped;

/// The reader's machine has one of them.
const FONTS: &str =
    "Noto Sans CJK SC, Source Han Sans SC, Microsoft YaHei, PingFang SC, sans-serif";
const WIDTH: u32 = 760;
const INK: RGBColor = RGBColor(38, 50, 56);
const FAINT: RGBColor = RGBColor(224, 228, 230);
const QUIET: RGBColor = RGBColor(96, 110, 118);
const GOOD: RGBColor = RGBColor(46, 125, 90);
const BAD: RGBColor = RGBColor(183, 78, 60);

/// What a chart says besides its drawing.
pub struct Words {
    pub title: String,
    /// Below the title, smaller: of what it is.
    pub subtitle: String,
    /// The figures in words.
    pub description: String,
    /// What is said where there is nothing to draw.
    pub nothing: String,
    /// Of the language that it is written in.
    pub english: bool,
}

/// A bar of a bar chart.
pub struct Bar {
    pub label: String,
    pub value: i64,
}

/// A place on a line; without a share there is a gap.
pub struct Spot {
    pub label: String,
    /// Per cent.
    pub share: Option<f64>,
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

/// One bar below the other, each with its value; what is below 0 goes to the left.
pub fn bars(words: &Words, bars: &[Bar]) -> Outcome<String> {
    let rows = u32::try_from(bars.len()).unwrap_or(u32::MAX).clamp(1, 100);
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (WIDTH, 120 + rows * 40)).into_drawing_area();
        head(&root, words)?;
        if bars.iter().all(|bar| bar.value == 0) {
            say_nothing(&root, words)?;
        } else {
            draw_bars(&root, bars)?;
        }
        root.present().map_err(undrawn)?;
    }
    Ok(described(&svg, words))
}

fn draw_bars(root: &Area<'_>, bars: &[Bar]) -> Outcome<()> {
    let most = bars.iter().map(|bar| bar.value).max().unwrap_or_default().max(0);
    let least = bars.iter().map(|bar| bar.value).min().unwrap_or_default().min(0);
    // Room for the values beside the bars.
    let room = ((most - least) / 8).max(1);
    let from = if least < 0 { least - room } else { 0 };
    let mut chart = ChartBuilder::on(root)
        .margin_top(76)
        .margin_right(24)
        .margin_bottom(8)
        .x_label_area_size(30)
        .y_label_area_size(190)
        // Both ends of such a range have a place of their own.
        .build_cartesian_2d(from..most + room, (0..bars.len().saturating_sub(1)).into_segmented())
        .map_err(undrawn)?;
    // The first one on top.
    let at = |place: usize| bars.len().saturating_sub(place + 1);
    let label = |place: &SegmentValue<usize>| match place {
        SegmentValue::CenterOf(place) => {
            bars.get(at(*place)).map_or_else(String::new, |bar| bar.label.clone())
        }
        _ => String::new(),
    };
    chart
        .configure_mesh()
        .disable_y_mesh()
        .x_labels(6)
        .y_labels(bars.len())
        .y_label_formatter(&label)
        .light_line_style(TRANSPARENT)
        .bold_line_style(FAINT)
        .axis_style(FAINT)
        .label_style((FONTS, 18).into_font().color(&QUIET))
        .y_label_style((FONTS, 20).into_font().color(&INK))
        .draw()
        .map_err(undrawn)?;
    for (number, bar) in bars.iter().enumerate() {
        let (low, high) = (SegmentValue::Exact(at(number)), SegmentValue::Exact(at(number) + 1));
        let color = if bar.value < 0 { BAD } else { GOOD };
        let mut shape = Rectangle::new([(0, low), (bar.value, high)], color.filled());
        shape.set_margin(7, 7, 0, 0);
        chart.draw_series([shape]).map_err(undrawn)?;
        let end = chart.backend_coord(&(bar.value, SegmentValue::CenterOf(at(number))));
        let (side, gap) = if bar.value < 0 { (HPos::Right, -6) } else { (HPos::Left, 6) };
        let style = text(18, &INK, side, VPos::Center);
        root.draw_text(&bar.value.to_string(), &style, (end.0 + gap, end.1)).map_err(undrawn)?;
    }
    Ok(())
}

/// Shares of a hundred over time.
pub fn line(words: &Words, spots: &[Spot]) -> Outcome<String> {
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (WIDTH, 420)).into_drawing_area();
        head(&root, words)?;
        if spots.iter().all(|spot| spot.share.is_none()) {
            say_nothing(&root, words)?;
        } else {
            draw_line(&root, spots)?;
        }
        root.present().map_err(undrawn)?;
    }
    Ok(described(&svg, words))
}

fn draw_line(root: &Area<'_>, spots: &[Spot]) -> Outcome<()> {
    let count = i32::try_from(spots.len()).unwrap_or(i32::MAX);
    let mut chart = ChartBuilder::on(root)
        .margin_top(76)
        .margin_right(24)
        .margin_bottom(8)
        .x_label_area_size(34)
        .y_label_area_size(64)
        .build_cartesian_2d(-1..count, 0.0..100.0)
        .map_err(undrawn)?;
    let week = |at: &i32| {
        let spot = usize::try_from(*at).ok().and_then(|at| spots.get(at));
        spot.map_or_else(String::new, |spot| spot.label.clone())
    };
    chart
        .configure_mesh()
        .disable_x_mesh()
        .x_labels(spots.len().min(8) + 2)
        .y_labels(6)
        .x_label_formatter(&week)
        .y_label_formatter(&|share| format!("{share:.0}%"))
        .light_line_style(TRANSPARENT)
        .bold_line_style(FAINT)
        .axis_style(FAINT)
        .label_style((FONTS, 18).into_font().color(&QUIET))
        .draw()
        .map_err(undrawn)?;
    let placed: Vec<_> = (0_i32..).zip(spots).map(|(at, spot)| (at, spot.share)).collect();
    for run in placed.split(|(_, share)| share.is_none()) {
        let run: Vec<_> = run.iter().filter_map(|(at, share)| share.map(|it| (*at, it))).collect();
        let dots = run.iter().map(|it| Circle::new(*it, 4, GOOD.filled())).collect::<Vec<_>>();
        chart.draw_series(LineSeries::new(run, GOOD.stroke_width(3))).map_err(undrawn)?;
        chart.draw_series(dots).map_err(undrawn)?;
    }
    Ok(())
}

fn head(root: &Area<'_>, words: &Words) -> Outcome<()> {
    root.fill(&WHITE).map_err(undrawn)?;
    let title = text(28, &INK, HPos::Left, VPos::Top);
    root.draw_text(&words.title, &title, (24, 16)).map_err(undrawn)?;
    let subtitle = text(18, &QUIET, HPos::Left, VPos::Top);
    root.draw_text(&words.subtitle, &subtitle, (24, 46)).map_err(undrawn)
}

fn say_nothing(root: &Area<'_>, words: &Words) -> Outcome<()> {
    let (width, height) = root.dim_in_pixel();
    let middle = [width, height].map(|length| i32::try_from(length / 2).unwrap_or_default());
    let style = text(22, &QUIET, HPos::Center, VPos::Center);
    root.draw_text(&words.nothing, &style, (middle[0], middle[1])).map_err(undrawn)
}

fn text(size: u32, color: &RGBColor, across: HPos, down: VPos) -> TextStyle<'static> {
    (FONTS, size).into_font().color(color).pos(Pos::new(across, down))
}

/// With what a screen reader says in its place.
fn described(svg: &str, words: &Words) -> String {
    let Some((opening, rest)) = svg.split_once('>') else { return String::new() };
    let language = if words.english { "en" } else { "zh-CN" };
    format!(
        "{opening} role=\"img\" lang=\"{language}\" aria-labelledby=\"chart-title chart-desc\">\n\
         <title id=\"chart-title\">{} {}</title>\n<desc id=\"chart-desc\">{}</desc>{rest}",
        escaped(&words.title),
        escaped(&words.subtitle),
        escaped(&words.description)
    )
}

fn undrawn(error: impl std::fmt::Display) -> Problem {
    Problem::fault(format!("a chart could not be drawn: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> Words {
        Words {
            title: "各类积分".to_owned(),
            subtitle: "</text><script>alert(1)</script> & 村".to_owned(),
            description: "人居\"环境\" 30 分".to_owned(),
            nothing: "本期没有积分".to_owned(),
            english: false,
        }
    }

    #[test]
    fn a_chart_says_in_words_what_it_shows_and_a_name_is_never_markup() {
        let bar = |label: &str, value| Bar { label: label.to_owned(), value };
        let svg = bars(&words(), &[bar("<b>", 30), bar("乡村建设", -4)]).expect("a chart");
        assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"), "{svg}");
        assert!(svg.contains("人居&quot;环境&quot; 30 分") && svg.contains("&lt;b&gt;"), "{svg}");
        assert!(!svg.contains("<script") && !svg.contains("style="), "{svg}");
        assert_eq!(svg.matches("乡村建设").count(), 1, "{svg}");
        assert!(svg.contains(">\n30\n<") && svg.contains(">\n-4\n<"), "{svg}");
    }

    #[test]
    fn one_spot_no_spot_and_a_gap_can_be_drawn() {
        let spot = |share| Spot { label: "W35".to_owned(), share };
        for spots in [vec![], vec![spot(None)], vec![spot(Some(50.0))]] {
            let empty = spots.iter().all(|it| it.share.is_none());
            let svg = line(&words(), &spots).expect("a chart");
            assert_eq!(svg.contains("本期没有积分"), empty, "{svg}");
        }
        let gap = [spot(Some(1.0)), spot(None), spot(Some(100.0))];
        assert_eq!(line(&words(), &gap).expect("a chart").matches("<circle").count(), 2);
        assert!(bars(&words(), &[]).expect("a chart").contains("本期没有积分"));
    }
}
