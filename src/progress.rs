//! Progress: one line a stage on stderr, with rows, rate, time left, filtered and quarantined counts.
//!
//! On a terminal the line redraws itself; elsewhere (a log file, a scheduler) it is printed every few seconds and when the stage ends.
//! Data never goes here and messages never go to stdout.

use std::fmt;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::pipeline::account::Ledger;

/// Where progress is shown.
#[derive(Debug, Clone)]
pub struct Progress {
    bars: MultiProgress,
    plain: bool,
}

/// One stage's line.
#[derive(Debug)]
pub struct Bar {
    bar: ProgressBar,
    name: String,
    shards: usize,
    plain: bool,
    began: Instant,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    done: usize,
    rows: u64,
    filtered: u64,
    quarantined: u64,
    printed: Instant,
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
        let bar = self.bars.add(ProgressBar::new(shards as u64));
        // The template is a constant, so it parses; without it the bar would still draw.
        if let Ok(style) = ProgressStyle::with_template("{prefix:>14} {bar:20} {pos}/{len} shards, {msg}, {eta} left") {
            bar.set_style(style);
        }
        bar.set_prefix(name.to_owned());
        let now = Instant::now();
        let state = State { done: 0, rows: 0, filtered: 0, quarantined: 0, printed: now };
        Bar { bar, name: name.to_owned(), shards, plain: self.plain, began: now, state: Mutex::new(state) }
    }
}

/// One line for something that is counted: so many of so many, at what rate, how long still.
#[derive(Debug, Clone)]
pub struct Steps(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    bar: ProgressBar,
    name: String,
    unit: &'static str,
    total: u64,
    plain: bool,
    began: Instant,
    state: Mutex<(u64, Instant)>,
}

impl Progress {
    /// Begins to count `total` of something: "samples", "shards".
    pub fn steps(&self, name: &str, total: u64, unit: &'static str) -> Steps {
        let bar = self.bars.add(ProgressBar::new(total));
        let template = format!("{{prefix:>14}} {{bar:20}} {{pos}}/{{len}} {unit} ({{per_sec}}), {{eta}} left");
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style);
        }
        bar.set_prefix(name.to_owned());
        let now = Instant::now();
        let (name, plain) = (name.to_owned(), self.plain);
        Steps(Arc::new(Inner { bar, name, unit, total, plain, began: now, state: Mutex::new((0, now)) }))
    }
}

impl Steps {
    /// So many more are done.
    pub fn add(&self, more: u64) {
        let Inner { bar, name, unit, total, plain, began, state } = &*self.0;
        let mut state = state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        state.0 += more;
        bar.set_position(state.0);
        if *plain && state.0 < *total && state.1.elapsed() > PRINT_EVERY {
            state.1 = Instant::now();
            let rate = state.0 as f64 / began.elapsed().as_secs_f64().max(1e-3);
            let left = (*total - state.0) as f64 / rate.max(1e-9);
            tell_line(format_args!("{name:>14} {}/{total} {unit} ({rate:.0}/s), {left:.0} s left", state.0));
        }
    }

    /// All are done; the line stays.
    pub fn finish(&self) {
        let Inner { bar, name, unit, plain, began, state, .. } = &*self.0;
        let done = state.lock().unwrap_or_else(std::sync::PoisonError::into_inner).0;
        let seconds = began.elapsed().as_secs_f64();
        let line = format!("{done} {unit} ({:.0}/s), {seconds:.1} s", done as f64 / seconds.max(1e-3));
        if *plain {
            tell_line(format_args!("{name:>14} {line}"));
        } else {
            if let Ok(style) = ProgressStyle::with_template("{prefix:>14} {msg}") {
                bar.set_style(style);
            }
            bar.finish_with_message(line);
        }
    }
}

impl Bar {
    /// One shard is done.
    pub fn shard(&self, ledger: &Ledger) {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        state.done += 1;
        state.rows += ledger.rows_out;
        state.filtered += ledger.filtered.values().sum::<u64>();
        state.quarantined += ledger.rows_quarantined();
        self.bar.set_position(state.done as u64);
        self.bar.set_message(self.counts(&state));
        if self.plain && state.done < self.shards && state.printed.elapsed() > PRINT_EVERY {
            state.printed = Instant::now();
            let per_shard = self.began.elapsed().as_secs_f64() / state.done as f64;
            let left = per_shard * (self.shards - state.done) as f64;
            tell_line(format_args!(
                "{:>14} {}/{} shards, {}, {left:.0} s left",
                self.name,
                state.done,
                self.shards,
                self.counts(&state)
            ));
        }
    }

    /// So many of at most `all` images were asked about: within a shard, where each takes its time.
    pub fn images(&self, asked: u64, all: u64) {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if asked == 0 {
            return;
        }
        let rate = asked as f64 / self.began.elapsed().as_secs_f64().max(1e-3);
        let left = all.saturating_sub(asked) as f64 / rate.max(1e-9);
        let text = format!("{asked} of {all} images ({rate:.1}/s), {left:.0} s left");
        self.bar.set_message(text.clone());
        if self.plain && state.printed.elapsed() > PRINT_EVERY {
            state.printed = Instant::now();
            tell_line(format_args!("{:>14} {text}", self.name));
        }
    }

    /// The stage is done; its line stays.
    pub fn finish(&self) {
        let state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let line = match self.shards {
            0 => "up to date".to_owned(),
            n => format!("{n} shards, {}, {:.1} s", self.counts(&state), self.began.elapsed().as_secs_f64()),
        };
        if self.plain {
            tell_line(format_args!("{:>14} {line}", self.name));
        } else {
            if let Ok(style) = ProgressStyle::with_template("{prefix:>14} {msg}") {
                self.bar.set_style(style);
            }
            self.bar.finish_with_message(line);
        }
    }

    fn counts(&self, state: &State) -> String {
        let rate = state.rows as f64 / self.began.elapsed().as_secs_f64().max(1e-3);
        let mut text = format!("{} rows ({rate:.0}/s)", state.rows);
        if state.filtered > 0 {
            text += &format!(", {} filtered", state.filtered);
        }
        if state.quarantined > 0 {
            text += &format!(", {} quarantined", state.quarantined);
        }
        text
    }
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
