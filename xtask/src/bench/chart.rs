//! A chart: for each kernel a bar a peer, as long as our time is in the peer's.

use std::fmt::Write as _;

use super::peer::Name;
use super::report::Report;

const LEFT: f64 = 90.0;
const BAR: f64 = 14.0;
const GAP: f64 = 16.0;
/// Pixels of a ratio of 1; longer bars than three are cut.
const UNIT: f64 = 180.0;
const LONGEST: f64 = 3.0;

/// Draws the chart as SVG.
pub(super) fn draw(report: &Report) -> String {
    let peers = report.peers();
    let group = BAR * peers.len() as f64 + GAP;
    let height = 60.0 + group * report.kernels.len() as f64;
    let width = LEFT + UNIT * LONGEST + 60.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"{LEFT}\" y=\"18\" font-size=\"13\">Iridium's time as a part of each peer's; \
         shorter is better for Iridium</text>\n"
    );
    for (row, (kernel, ..)) in report.kernels.iter().enumerate() {
        let top = 40.0 + group * row as f64;
        let middle = top + (group - GAP) / 2.0 + 4.0;
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{middle}\" text-anchor=\"end\">{kernel}</text>",
            LEFT - 8.0
        );
        for (line, peer) in peers.iter().enumerate() {
            let ratios = report.ratios(*peer);
            let Some((_, ratio)) = ratios.iter().find(|(name, _)| name == kernel) else { continue };
            let (y, length) = (top + BAR * line as f64, UNIT * ratio.min(LONGEST));
            let _ = writeln!(
                svg,
                "<rect x=\"{LEFT}\" y=\"{y}\" width=\"{length:.1}\" height=\"{}\" fill=\"{}\"/>\n\
                 <text x=\"{:.1}\" y=\"{:.1}\">{peer} {ratio:.2}</text>",
                BAR - 2.0,
                colour(*peer),
                LEFT + length + 4.0,
                y + BAR - 4.0
            );
        }
    }
    let one = LEFT + UNIT;
    let _ = writeln!(
        svg,
        "<line x1=\"{one}\" y1=\"30\" x2=\"{one}\" y2=\"{}\" stroke=\"#444\" \
         stroke-dasharray=\"3 3\"/>\n</svg>",
        height - 12.0
    );
    svg
}

fn colour(peer: Name) -> &'static str {
    match peer {
        Name::Ours | Name::WasmiFuel => "#4c72b0",
        Name::Wasmi => "#8aa4d0",
        Name::Lua => "#dd8452",
        Name::LuaJitOff => "#e8ac8a",
        Name::LuaJit => "#f0d0bc",
        Name::Beam => "#8172b3",
        Name::Native => "#937860",
    }
}

#[cfg(test)]
mod tests {
    use super::super::report;

    #[test]
    fn a_chart_has_a_bar_for_each_ratio() {
        let svg = super::draw(&report::tests::report());
        assert_eq!(svg.matches("wasmi+fuel 0.50").count(), 1, "{svg}");
        assert_eq!(svg.matches("wasmi+fuel 1.00").count(), 1, "{svg}");
        assert!(svg.ends_with("</svg>\n"));
    }
}
