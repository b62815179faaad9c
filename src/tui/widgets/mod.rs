//! Things that several screens draw. A widget takes data and a canvas; it knows no screen and no engine.

pub mod bar;
pub mod blocks;
pub mod chart;
pub mod columns;
pub mod document;
pub mod filter;
pub mod long_list;
pub mod rows;
pub mod scroll;
pub mod table;
pub mod tail;
pub mod text_input;
