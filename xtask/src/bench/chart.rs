//! A chart: for each measurement one bar for each peer, whose length is our figure divided by
//! the peer's.

use std::fmt::Write as _;

const LEFT: f64 = 130.0;
const BAR: f64 = 14.0;
const GAP: f64 = 16.0;
/// Pixels of a ratio of 1; longer bars than three are cut.
const UNIT: f64 = 180.0;
const LONGEST: f64 = 3.0;

/// A bar.
pub(super) struct Bar {
    /// The label behind the bar, before the ratio.
    pub(super) label: String,
    pub(super) colour: &'static str,
    /// Ours divided by the peer's.
    pub(super) ratio: f64,
}

/// Draws named groups of bars as SVG.
pub(super) fn draw(rows: &[(String, Vec<Bar>)]) -> String {
    let height = |bars: &[Bar]| BAR * bars.len().max(1) as f64;
    let total: f64 = 60.0 + rows.iter().map(|(_, bars)| height(bars) + GAP).sum::<f64>();
    let width = LEFT + UNIT * LONGEST + 60.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{total}\" \
         font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"{LEFT}\" y=\"18\" font-size=\"13\">Iridium's time as a part of each peer's; \
         shorter is better for Iridium</text>\n"
    );
    let mut top = 40.0;
    for (name, bars) in rows {
        let middle = top + height(bars) / 2.0 + 4.0;
        let x = LEFT - 8.0;
        let _ = writeln!(svg, "<text x=\"{x}\" y=\"{middle}\" text-anchor=\"end\">{name}</text>");
        for (line, Bar { label, colour, ratio }) in bars.iter().enumerate() {
            let (y, length) = (top + BAR * line as f64, UNIT * ratio.min(LONGEST));
            let _ = writeln!(
                svg,
                "<rect x=\"{LEFT}\" y=\"{y}\" width=\"{length:.1}\" height=\"{}\" \
                 fill=\"{colour}\"/>\n\
                 <text x=\"{:.1}\" y=\"{:.1}\">{label} {ratio:.2}</text>",
                BAR - 2.0,
                LEFT + length + 4.0,
                y + BAR - 4.0
            );
        }
        top += height(bars) + GAP;
    }
    let one = LEFT + UNIT;
    let _ = writeln!(
        svg,
        "<line x1=\"{one}\" y1=\"30\" x2=\"{one}\" y2=\"{}\" stroke=\"#444\" \
         stroke-dasharray=\"3 3\"/>\n</svg>",
        total - 12.0
    );
    svg
}

#[cfg(test)]
mod tests {
    use super::{Bar, draw};

    #[test]
    fn a_bar_is_as_long_as_its_ratio_up_to_three() {
        let bar = |ratio| Bar { label: "peer".to_owned(), colour: "red", ratio };
        let svg = draw(&[("a".to_owned(), vec![bar(0.5), bar(7.0)]), ("b".to_owned(), vec![])]);
        assert!(svg.contains("width=\"90.0\"") && svg.contains("peer 0.50"), "{svg}");
        assert!(svg.contains("width=\"540.0\"") && svg.contains("peer 7.00"), "{svg}");
        assert!(svg.ends_with("</svg>\n"));
    }
}
