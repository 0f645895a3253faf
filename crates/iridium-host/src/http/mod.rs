//! HTTP.
//!
//! * [`limits`]: what clients may take;
//! * [`paced`]: connections whose clients have only so much time;
//! * [`mod@serve`]: connections, and what is spoken on them;
//! * [`pages`]: pages about this process.

mod limits;
mod paced;
mod pages;
mod serve;

pub use limits::HttpLimits;
pub use pages::{Page, PageListener, PageServer};
