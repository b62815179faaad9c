//! Things that several screens draw. A widget takes data and a canvas; it knows no screen and no engine.

pub mod bar;
pub mod blocks;
pub mod chart;
pub mod columns;
pub mod filter;
pub mod long_list;
pub mod scroll;
pub mod table;
pub mod text_input;
