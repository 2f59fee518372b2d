//! Progress: one line a stage on stderr, with rows, rate, time left, filtered and quarantined counts.
//!
//! On a terminal the line redraws itself; elsewhere (a log file, a scheduler) it is printed every few seconds and when the stage ends.
//! The time left is one figure, of what is done so far at the pace so far, and is not there while nothing is done.
//! Data never goes here and messages never go to stdout.

use std::fmt;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::tables::RowCounts;

/// Where progress is shown.
#[derive(Debug, Clone)]
pub struct Progress {
    bars: MultiProgress,
    plain: bool,
}

/// How often a line is printed where it cannot redraw itself.
const PRINT_EVERY: Duration = Duration::from_secs(5);

impl Progress {
    /// On stderr.
    pub fn stderr() -> Self {
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        Self { plain: bars.is_hidden(), bars }
    }

    /// Nowhere.
    pub fn silent() -> Self {
        Self { bars: MultiProgress::with_draw_target(ProgressDrawTarget::hidden()), plain: false }
    }

    /// Begins a stage of so many shards.
    pub fn stage(&self, name: &str, shards: usize) -> Bar {
        let state = State { done: 0, rows: 0, filtered: 0, quarantined: 0, images: None, counts: String::new() };
        Bar { line: self.line(name, shards as u64), shards, state: Mutex::new(state) }
    }

    /// Begins to count `total` of something: "samples", "shards".
    pub fn steps(&self, name: &str, total: u64, unit: &'static str) -> Steps {
        Steps(Arc::new(Counted { line: self.line(name, total), total, unit, done: Mutex::new(0) }))
    }

    fn line(&self, name: &str, total: u64) -> Line {
        let bar = self.bars.add(ProgressBar::new(total));
        // The template is a constant, so it parses; without it the bar would still draw.
        if let Ok(style) = ProgressStyle::with_template("{prefix:>14} {bar:20} {msg}{left}") {
            let left = |state: &ProgressState, text: &mut dyn fmt::Write| {
                let share = state.pos() as f64 / state.len().unwrap_or(0).max(1) as f64;
                // A line that cannot be drawn is drawn next time.
                let _ = text.write_str(&left(share, state.elapsed()));
            };
            bar.set_style(style.with_key("left", left));
        }
        bar.set_prefix(name.to_owned());
        let now = Instant::now();
        Line { bar, name: name.to_owned(), plain: self.plain, began: now, printed: Mutex::new(now) }
    }
}

/// A line that shows how far something is.
#[derive(Debug)]
struct Line {
    bar: ProgressBar,
    name: String,
    plain: bool,
    began: Instant,
    printed: Mutex<Instant>,
}

impl Line {
    /// So many of so many steps are done; `text` says it in words.
    fn show(&self, done: u64, total: u64, text: String) {
        self.bar.set_length(total);
        self.bar.set_position(done);
        let mut printed = locked(&self.printed);
        if self.plain && done < total && printed.elapsed() > PRINT_EVERY {
            *printed = Instant::now();
            let left = left(done as f64 / total.max(1) as f64, self.began.elapsed());
            tell_line(format_args!("{:>14} {text}{left}", self.name));
        }
        self.bar.set_message(text);
    }

    /// The last words; the line stays.
    fn finish(&self, text: String) {
        if self.plain {
            tell_line(format_args!("{:>14} {text}", self.name));
        } else {
            if let Ok(style) = ProgressStyle::with_template("{prefix:>14} {msg}") {
                self.bar.set_style(style);
            }
            self.bar.finish_with_message(text);
        }
    }
}

/// One line for something that is counted: so many of so many, at what rate, how long still.
#[derive(Debug, Clone)]
pub struct Steps(Arc<Counted>);

#[derive(Debug)]
struct Counted {
    line: Line,
    total: u64,
    unit: &'static str,
    done: Mutex<u64>,
}

impl Steps {
    /// So many more are done.
    pub fn add(&self, more: u64) {
        let Counted { line, total, unit, done } = &*self.0;
        let mut done = locked(done);
        *done += more;
        line.show(*done, *total, format!("{done}/{total} {unit} ({})", rate(*done, line.began.elapsed())));
    }

    /// All are done; the line stays.
    pub fn finish(&self) {
        let Counted { line, unit, done, .. } = &*self.0;
        let (done, took) = (*locked(done), line.began.elapsed());
        line.finish(format!("{done} {unit} ({}), {:.1} s", rate(done, took), took.as_secs_f64()));
    }
}

/// One stage's line.
#[derive(Debug)]
pub struct Bar {
    line: Line,
    shards: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    done: usize,
    rows: u64,
    filtered: u64,
    quarantined: u64,
    /// How many images models were asked about, of how many, where the stage asks any: finer steps than shards.
    images: Option<(u64, u64)>,
    counts: String,
}

impl Bar {
    /// One shard is done.
    pub fn shard(&self, counts: &RowCounts) {
        let mut state = locked(&self.state);
        state.done += 1;
        state.rows += counts.rows_out;
        state.filtered += counts.filtered.values().sum::<u64>();
        state.quarantined += counts.rows_quarantined();
        state.counts = format!(", {}", self.counts(&state));
        self.show(&state);
    }

    /// So many of at most `all` images were asked about: within a shard, where each takes its time.
    pub fn images(&self, asked: u64, all: u64) {
        let mut state = locked(&self.state);
        if asked > 0 {
            state.images = Some((asked, all.max(asked)));
            self.show(&state);
        }
    }

    /// The stage is done; its line stays.
    pub fn finish(&self) {
        let state = locked(&self.state);
        self.line.finish(match self.shards {
            0 => "up to date".to_owned(),
            n => format!("{n} shards, {}, {:.1} s", self.counts(&state), self.line.began.elapsed().as_secs_f64()),
        });
    }

    fn show(&self, state: &State) {
        let text = format!("{}/{} shards{}", state.done, self.shards, state.counts);
        match state.images {
            None => self.line.show(state.done as u64, self.shards as u64, text),
            Some((asked, all)) => {
                let pace = rate(asked, self.line.began.elapsed());
                self.line.show(asked, all, format!("{text}, {asked} of {all} images ({pace})"));
            }
        }
    }

    fn counts(&self, state: &State) -> String {
        let mut text = format!("{} rows ({})", state.rows, rate(state.rows, self.line.began.elapsed()));
        if state.filtered > 0 {
            text += &format!(", {} filtered", state.filtered);
        }
        if state.quarantined > 0 {
            text += &format!(", {} quarantined", state.quarantined);
        }
        text
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// So many in that time: by the second, or by the minute or hour where that is what one can count.
fn rate(n: u64, took: Duration) -> String {
    let per_second = n as f64 / took.as_secs_f64().max(1e-3);
    match per_second {
        r if r >= 10.0 || n == 0 => format!("{r:.0}/s"),
        r if r >= 1.0 => format!("{r:.1}/s"),
        r if r >= 1.0 / 60.0 => format!("{:.0}/min", r * 60.0),
        r => format!("{:.0}/h", (r * 3600.0).max(1.0)),
    }
}

/// What is still to come at the pace so far, as `, 3 min 20 s left`; nothing while nothing is done or all of it.
fn left(share: f64, took: Duration) -> String {
    if !(share > 0.0 && share < 1.0) {
        return String::new();
    }
    let seconds = (took.as_secs_f64() * (1.0 - share) / share).ceil() as u64;
    let text = match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{} s", s.max(1)),
        (0, m, s) => format!("{m} min {s} s"),
        (h, m, _) => format!("{h} h {m} min"),
    };
    format!(", {text} left")
}

/// A line on stderr. It is for a person: work goes on when nobody reads it any more.
pub fn tell_line(text: fmt::Arguments) {
    tell(format_args!("{text}\n"));
}

/// Text on stderr, as [`tell_line`]. It may quote what anybody has written.
pub fn tell(text: fmt::Arguments) {
    let text = text.to_string();
    drop(std::io::stderr().lock().write_all(crate::terminal::text(&text).as_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_by_what_one_can_count() {
        let minute = Duration::from_secs(60);
        for (n, text) in [(0, "0/s"), (1, "1/min"), (20, "20/min"), (90, "1.5/s"), (60_000, "1000/s")] {
            assert_eq!(rate(n, minute), text);
        }
        assert_eq!(rate(2, Duration::from_secs(3600)), "2/h");
    }

    #[test]
    fn the_time_left_is_of_what_is_done() {
        let minute = Duration::from_secs(60);
        assert_eq!(left(0.0, minute), "");
        assert_eq!(left(1.0, minute), "");
        assert_eq!(left(0.75, minute), ", 20 s left");
        assert_eq!(left(0.25, minute), ", 3 min 0 s left");
        assert_eq!(left(0.01, minute), ", 1 h 39 min left");
        assert_eq!(left(0.999_999, minute), ", 1 s left");
    }
}
