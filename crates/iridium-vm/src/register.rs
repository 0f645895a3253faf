//! Registers and call frames, in the layout that engines may rely on.

use serde::{Deserialize, Serialize};

/// A register: two lanes that never mix. 16 bytes: the integer lane at 0, the float lane at 8.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[repr(C)]
pub struct Register {
    /// The integer lane.
    pub int: i64,
    /// The float lane.
    pub float: f64,
}

const _: () = assert!(size_of::<Register>() == 16);

/// A call that has not returned. 8 bytes: where it returns to at 0, the slide at 4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[repr(C)]
pub struct Frame {
    /// The instruction after the call.
    pub return_to: u32,
    /// How many registers the call slid the window up.
    pub slide: u32,
}

const _: () = assert!(size_of::<Frame>() == 8);
