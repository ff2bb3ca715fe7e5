//! What people look at: the text [`timeline`] of a run and its picture, the [`plot`].

mod axis;
mod fold;
mod marks;
mod moves;
pub mod plot;
mod sheet;
pub mod timeline;
mod words;
