//! stub
#[derive(Debug)] pub enum RestoreError {}
#[derive(Debug)] pub enum SaveError {}
