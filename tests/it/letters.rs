//! Letters, scripts and nudges: the ready ones, the company's own, and how they leave.

mod company;
mod mime;
mod ready;
