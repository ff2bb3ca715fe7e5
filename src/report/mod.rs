//! What people look at: the text [`timeline`] of a run and its picture, the [`plot`].

mod fold;
mod moves;
pub mod timeline;
mod words;
