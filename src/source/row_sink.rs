//! The row sink: where a reader puts its rows and quarantined records, in the order in which it reads them.

use crate::error::Result;
use crate::tables::{
    Detection, Frame, Link, Loss, Motion, Quarantined, Scene, SceneObject, Surface, Unusable, Waypoint,
};

/// One row of any table, or a record that is none.
#[derive(Debug, Clone)]
pub enum Row {
    Frame(Frame),
    Detection(Detection),
    Scene(Scene),
    SceneObject(SceneObject),
    Surface(Surface),
    Waypoint(Waypoint),
    Link(Link),
    Motion(Motion),
    Quarantined(Quarantined),
}

/// Where a reader puts its rows. Pushing blocks while the writer is behind, so that a reader never runs ahead of the disk.
pub struct RowSink {
    push: Box<dyn FnMut(Row) -> Result<()> + Send>,
    /// Records seen, used or not: the left side of "rows in = rows out + quarantined".
    pub seen: u64,
}

impl RowSink {
    /// A sink whose rows go to `push`.
    pub fn new(push: impl FnMut(Row) -> Result<()> + Send + 'static) -> Self {
        Self { push: Box::new(push), seen: 0 }
    }

    /// Hands one row on.
    pub fn push(&mut self, row: Row) -> Result<()> {
        self.seen += 1;
        (self.push)(row)
    }

    /// Puts a record into quarantine for a reason that was found earlier.
    pub fn refuse(&mut self, key: impl Into<String>, uri: &str, why: Unusable) -> Result<()> {
        self.lose(Loss::Record, key, uri, why)
    }

    /// Puts an image into quarantine.
    pub fn refuse_image(&mut self, key: impl Into<String>, uri: &str, why: Unusable) -> Result<()> {
        self.lose(Loss::Image, key, uri, why)
    }

    /// Notes what is odd about a record that is used all the same, or what is lost with an image that is quarantined already.
    pub fn remark(&mut self, key: impl Into<String>, uri: &str, why: Unusable) -> Result<()> {
        self.lose(Loss::Nothing, key, uri, why)
    }

    /// Any of these.
    pub fn lose(&mut self, loss: Loss, key: impl Into<String>, uri: &str, why: Unusable) -> Result<()> {
        self.push(Row::Quarantined(Quarantined { key: key.into(), uri: Some(uri.to_owned()), why, loss }))
    }
}
