//! The budget of tokens and cost: what was sent, what it cost, and whether one more call fits.
//!
//! A call claims the most that it may use before it is sent, and pays what it did use when its answer is there. One that
//! does not fit beside what others have claimed waits for them; one that could not fit even without them is refused. So
//! the budget is never passed, however many calls are in flight, and up to one call's claim of it is left over.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::ask_error::Fatal;
use crate::endpoint::Endpoint;

/// The counts so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Usage {
    /// Calls sent, those tried again among them.
    pub requests: u64,
    /// Calls sent because one before had failed.
    pub retries: u64,
    /// Calls that are being answered now.
    pub in_flight: u64,
    /// Questions that a text was received for.
    pub answers: u64,
    /// Questions without one, and texts that could not be read, by code.
    pub failures: BTreeMap<&'static str, u64>,
    /// As counted by the server.
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    /// Calls that the server may have charged for and gave no whole count of: broken off, or without `usage` in their answer,
    /// or with a count that is none. What is not counted is taken to be all that they might have used.
    pub unreported: u64,
    /// In the currency of `price_in` and `price_out`, the unreported calls among it.
    pub cost: f64,
}

/// Tokens read and written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tokens {
    pub read: u64,
    pub written: u64,
}

/// What a server says that a call used; `None` where it says nothing that can be a count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    pub read: Option<u64>,
    pub written: Option<u64>,
}

/// Sums stop at the largest number: a server may count what it likes, and a sum that began again at 0 would be no limit.
impl Tokens {
    fn all(self) -> u64 {
        self.read.saturating_add(self.written)
    }

    fn and(self, other: Self) -> Self {
        Self { read: self.read.saturating_add(other.read), written: self.written.saturating_add(other.written) }
    }
}

#[derive(Debug)]
pub struct Budget {
    prices: (f64, f64),
    max_cost: Option<f64>,
    max_tokens: Option<u64>,
    totals: Mutex<Totals>,
    settled: Notify,
}

#[derive(Debug, Default)]
struct Totals {
    usage: Usage,
    /// Of the unreported calls.
    assumed: Tokens,
    claimed: Tokens,
    /// How many times more than claimed a prompt was found to have; at least 1.
    low_by: f64,
    /// Any reply, were it an error.
    replies: u64,
}

impl Totals {
    fn spent(&self) -> Tokens {
        Tokens { read: self.usage.prompt_tokens, written: self.usage.completion_tokens }.and(self.assumed)
    }
}

impl Budget {
    pub fn new(endpoint: &Endpoint) -> Self {
        Self {
            prices: (endpoint.price_in, endpoint.price_out),
            max_cost: endpoint.max_cost,
            max_tokens: endpoint.max_tokens_total,
            totals: Mutex::new(Totals { low_by: 1.0, ..Totals::default() }),
            settled: Notify::new(),
        }
    }

    pub fn usage(&self) -> Usage {
        let totals = self.totals();
        Usage { cost: self.cost(totals.spent()), ..totals.usage.clone() }
    }

    /// How many calls had a reply, were it an error.
    pub fn replies(&self) -> u64 {
        self.totals().replies
    }

    pub fn replied(&self) {
        self.totals().replies += 1;
    }

    pub fn answered(&self) {
        self.totals().usage.answers += 1;
    }

    pub fn failed(&self, code: &'static str) {
        *self.totals().usage.failures.entry(code).or_default() += 1;
    }

    /// Room for a call that uses `most` at the most; waits while others hold the room that it needs.
    pub async fn claim(&self, most: Tokens) -> Result<Claim<'_>, Fatal> {
        loop {
            let settled = self.settled.notified();
            tokio::pin!(settled);
            // From here on, so that nothing that settles between the look and the wait is missed.
            settled.as_mut().enable();
            if let Some(claim) = self.try_claim(most)? {
                return Ok(claim);
            }
            settled.await;
        }
    }

    fn try_claim(&self, most: Tokens) -> Result<Option<Claim<'_>>, Fatal> {
        let mut totals = self.totals();
        // A float becomes the nearest whole number there is.
        let most = Tokens { read: (most.read as f64 * totals.low_by).ceil() as u64, ..most };
        self.check(totals.spent(), most)?;
        if self.check(totals.spent().and(totals.claimed), most).is_err() {
            return Ok(None);
        }
        totals.claimed = totals.claimed.and(most);
        Ok(Some(Claim { budget: self, most, was_sent: false }))
    }

    fn check(&self, spent: Tokens, next: Tokens) -> Result<(), Fatal> {
        let all = spent.and(next);
        if let Some(max) = self.max_tokens.filter(|max| all.all() > *max) {
            let (spent, next) = (spent.all(), next.all());
            let message =
                format!("{spent} tokens used and up to {next} for the next call, of {max} (`max_tokens_total`)");
            return Err(Fatal::Budget(message));
        }
        if let Some(max) = self.max_cost.filter(|max| self.cost(all) > *max) {
            let (spent, next) = (self.cost(spent), self.cost(next));
            let message = format!("{spent:.4} spent and up to {next:.4} for the next call, of {max} (`max_cost`)");
            return Err(Fatal::Budget(message));
        }
        Ok(())
    }

    fn cost(&self, tokens: Tokens) -> f64 {
        (tokens.read as f64 * self.prices.0 + tokens.written as f64 * self.prices.1) / 1e6
    }

    fn totals(&self) -> MutexGuard<'_, Totals> {
        self.totals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Room in the budget for one call. Dropped, it is as if the call were never made, or, once sent, had used all of it.
#[derive(Debug)]
pub struct Claim<'a> {
    budget: &'a Budget,
    most: Tokens,
    was_sent: bool,
}

impl Claim<'_> {
    pub fn sent(&mut self, is_retry: bool) {
        let mut totals = self.budget.totals();
        self.was_sent = true;
        totals.usage.requests += 1;
        totals.usage.in_flight += 1;
        totals.usage.retries += u64::from(is_retry);
    }

    /// The server's own count, and what was claimed where it has none. Without any, the claim is dropped.
    pub fn paid(self, used: Counted) {
        if used == Counted::default() {
            return;
        }
        let mut totals = self.budget.totals();
        let counted = Tokens { read: used.read.unwrap_or_default(), written: used.written.unwrap_or_default() };
        totals.usage.prompt_tokens = totals.usage.prompt_tokens.saturating_add(counted.read);
        totals.usage.completion_tokens = totals.usage.completion_tokens.saturating_add(counted.written);
        let least = |count: Option<u64>, most: u64| if count.is_none() { most } else { 0 };
        let uncounted =
            Tokens { read: least(used.read, self.most.read), written: least(used.written, self.most.written) };
        totals.assumed = totals.assumed.and(uncounted);
        totals.usage.unreported += u64::from(uncounted != Tokens::default());
        totals.low_by = totals.low_by.max(counted.read as f64 / self.most.read.max(1) as f64 * totals.low_by);
        drop(totals);
        self.free();
    }

    /// The server refused the call, for which none charges.
    pub fn free(mut self) {
        if std::mem::take(&mut self.was_sent) {
            self.budget.totals().usage.in_flight -= 1;
        }
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        let mut totals = self.budget.totals();
        // Where the sum had stopped at the largest number, less is left than was claimed.
        totals.claimed.read = totals.claimed.read.saturating_sub(self.most.read);
        totals.claimed.written = totals.claimed.written.saturating_sub(self.most.written);
        if self.was_sent {
            totals.usage.in_flight -= 1;
            totals.usage.unreported += 1;
            totals.assumed = totals.assumed.and(self.most);
        }
        drop(totals);
        self.budget.settled.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(max: u64) -> Budget {
        Budget::new(&Endpoint { max_tokens_total: Some(max), ..Endpoint::new("http://x", "m") })
    }

    const CALL: Tokens = Tokens { read: 60, written: 40 };

    #[tokio::test]
    async fn what_is_claimed_counts_until_it_is_settled() {
        let budget = budget(250);
        let (mut first, second) = (budget.claim(CALL).await.unwrap(), budget.claim(CALL).await.unwrap());
        // A third could fit once those two have used less than they claimed: it waits.
        assert!(budget.try_claim(CALL).unwrap().is_none());
        first.sent(false);
        first.paid(Counted { read: Some(30), written: Some(10) });
        assert!(budget.try_claim(CALL).unwrap().is_some());
        drop(second);
        assert_eq!(budget.usage().unreported, 0);
        // 40 are spent: two more of 100 fit, the third does not even alone.
        for _ in 0..2 {
            let mut claim = budget.claim(CALL).await.unwrap();
            claim.sent(false);
            drop(claim);
        }
        assert!(matches!(budget.claim(CALL).await, Err(Fatal::Budget(_))));
        let usage = budget.usage();
        assert_eq!((usage.requests, usage.in_flight, usage.unreported, usage.prompt_tokens), (3, 0, 2, 30));
    }

    #[tokio::test]
    async fn a_waiting_claim_goes_on_when_another_settles() {
        let budget = budget(100);
        let held = budget.claim(CALL).await.unwrap();
        let (next, ()) = tokio::join!(budget.claim(CALL), async {
            tokio::task::yield_now().await;
            held.free();
        });
        assert!(next.is_ok());
    }

    #[tokio::test]
    async fn prompts_longer_than_claimed_make_later_claims_larger() {
        let budget = budget(1000);
        let mut claim = budget.claim(CALL).await.unwrap();
        claim.sent(false);
        claim.paid(Counted { read: Some(120), written: Some(40) });
        assert_eq!(budget.claim(CALL).await.unwrap().most, Tokens { read: 120, written: 40 });
    }

    #[tokio::test]
    async fn counts_that_cannot_be_end_the_budget_and_nothing_else() {
        let budget = budget(1000);
        for (used, unreported) in [(Some(u64::MAX), 0), (Some(u64::MAX), 0), (None, 1)] {
            // As a call that was under way while others were answered.
            let mut claim = Claim { budget: &budget, most: CALL, was_sent: false };
            claim.sent(false);
            claim.paid(Counted { read: used, written: Some(3) });
            assert_eq!(budget.usage().unreported, unreported);
        }
        assert_eq!((budget.usage().prompt_tokens, budget.usage().completion_tokens), (u64::MAX, 9));
        let Err(Fatal::Budget(message)) = budget.claim(CALL).await else { panic!("the budget is spent") };
        assert!(message.contains("`max_tokens_total`"), "{message}");
        // Without a budget, claims grow as large as can be and settle again.
        let free = Budget::new(&Endpoint::new("http://x", "m"));
        let mut claim = free.claim(CALL).await.unwrap();
        claim.sent(false);
        claim.paid(Counted { read: Some(u64::MAX), written: Some(u64::MAX) });
        let claims = [free.claim(CALL).await.unwrap(), free.claim(CALL).await.unwrap()];
        assert!(claims[1].most.read > u64::MAX / 2);
        drop(claims);
        assert_eq!(free.totals().claimed, Tokens::default());
    }

    #[tokio::test]
    async fn a_count_that_is_missing_is_what_was_claimed() {
        let budget = budget(250);
        for used in [Counted::default(), Counted { read: Some(60), written: None }] {
            let mut claim = budget.claim(CALL).await.unwrap();
            claim.sent(false);
            claim.paid(used);
        }
        assert_eq!(budget.usage().unreported, 2);
        assert_eq!(budget.totals().spent(), Tokens { read: 120, written: 80 });
        assert!(matches!(budget.claim(CALL).await, Err(Fatal::Budget(_))));
    }

    #[test]
    fn costs() {
        let priced = Endpoint { price_in: 2.0, price_out: 10.0, max_cost: Some(0.5), ..Endpoint::new("http://x", "m") };
        let budget = Budget::new(&priced);
        assert_eq!(budget.cost(Tokens { read: 100_000, written: 30_000 }), 0.5);
        assert!(budget.check(Tokens { read: 100_000, written: 0 }, Tokens { read: 0, written: 30_000 }).is_ok());
        assert!(budget.check(Tokens { read: 100_001, written: 0 }, Tokens { read: 0, written: 30_000 }).is_err());
    }
}
