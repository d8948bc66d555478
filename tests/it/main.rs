//! Tests of the whole, from outside.

mod acceptance;
mod backtest;
mod certificates;
mod cleared;
mod commands;
mod config;
mod database;
mod delivery;
mod demo;
mod doctor;
mod draw;
mod full_form;
mod house;
mod import;
mod letters;
mod moved;
mod opened;
mod pages;
mod sandbox;
mod service;
mod shop;
mod smtp;
mod suppress;
mod web;
mod whatsapp;
mod world;
