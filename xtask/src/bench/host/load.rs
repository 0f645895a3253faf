//! Many clients that ask as fast as they are answered: `wrk`.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::bench::installed::succeeds;

/// What they saw.
#[derive(Debug, PartialEq)]
pub(super) struct Load {
    /// Seconds for each request, of all clients together.
    pub(super) seconds_each: f64,
    /// The seconds in which 99 of 100 requests were answered.
    pub(super) p99: f64,
}

/// Whether there is `wrk`; if not, what would help.
pub(super) fn find(alone: bool) -> Result<(), String> {
    // It says how it is used, and fails.
    let is_there = !alone && succeeds(Command::new("sh").args(["-c", "command -v wrk"]));
    match (is_there, alone) {
        (true, _) => Ok(()),
        (_, true) => Err("not with --alone".to_owned()),
        _ => Err("apt-get install wrk".to_owned()),
    }
}

impl Load {
    /// Has so many clients ask for so long.
    pub(super) fn put(port: u16, clients: u64, time: Duration) -> Result<Self> {
        let output = Command::new("wrk")
            .args(["--latency", "--threads", "2", "--connections", &clients.to_string()])
            .args(["--duration", &format!("{}s", time.as_secs())])
            .arg(format!("http://127.0.0.1:{port}/"))
            .stdin(Stdio::null())
            .output()
            .context("cannot run wrk")?;
        let text = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            bail!("wrk: {} {text}", output.status);
        }
        Self::read(&text)
    }

    fn read(text: &str) -> Result<Self> {
        let line = |start: &str| {
            let found = text.lines().find_map(|line| line.trim().strip_prefix(start));
            found.map(str::trim)
        };
        if let Some(errors) = line("Socket errors:").or_else(|| line("Non-2xx or 3xx responses:")) {
            bail!("wrk met errors: {errors}");
        }
        let rate = line("Requests/sec:").and_then(|rate| rate.parse::<f64>().ok());
        let rate = rate.filter(|rate| *rate > 0.0);
        let (seconds_each, p99) = (rate.map(|rate| 1.0 / rate), line("99%").and_then(seconds));
        let (Some(seconds_each), Some(p99)) = (seconds_each, p99) else {
            bail!("wrk printed {text:?}");
        };
        Ok(Self { seconds_each, p99 })
    }
}

/// A time as `wrk` writes it.
fn seconds(text: &str) -> Option<f64> {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let number: f64 = text.strip_suffix(unit)?.parse().ok()?;
    let factor = match unit {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        _ => return None,
    };
    Some(number * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "Running 1s test @ http://127.0.0.1:8081/
  2 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     2.01ms    1.33ms  25.20ms   95.18%
    Req/Sec    16.44k     1.21k   17.90k    80.00%
  Latency Distribution
     50%    1.82ms
     99%    8.50ms
  32743 requests in 1.00s, 4.06MB read
Requests/sec:  32000.00
Transfer/sec:      4.05MB
";

    #[test]
    fn what_wrk_prints_is_read() {
        let load = Load::read(PRINTED).unwrap();
        assert_eq!(load, Load { seconds_each: 1.0 / 32_000.0, p99: 0.0085 });
        assert_eq!([seconds("750.00us"), seconds("2.5s")], [Some(0.00075), Some(2.5)]);
        assert_eq!(seconds("2 ages"), None);
        for wrong in ["  Socket errors: connect 0, read 3", "  Non-2xx or 3xx responses: 1"] {
            assert!(Load::read(&format!("{PRINTED}{wrong}\n")).is_err(), "{wrong}");
        }
        assert!(Load::read("").is_err());
    }
}
