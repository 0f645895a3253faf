//! Writes or reads a document of 2,000 users N times with `serde_json`, as `programs/json_encode.py`
//! and `json_decode.py` do, and prints the same answer.
//!
//! `json json_encode|json_decode N`

use std::error::Error;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

const USERS: u64 = 2000;

#[derive(Serialize, Deserialize)]
struct User {
    id: u64,
    name: String,
    email: String,
    active: bool,
    score: f64,
    tags: Vec<String>,
    address: Address,
}

#[derive(Serialize, Deserialize)]
struct Address {
    street: String,
    zip: u64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let program = arguments.next().ok_or("which program?")?;
    let rounds = arguments.next().ok_or("how often?")?.parse()?;
    let answer = match program.as_str() {
        "json_encode" => encode(rounds)?.to_string(),
        "json_decode" => decode(rounds)?.to_string(),
        other => return Err(format!("there is no program `{other}`").into()),
    };
    println!("{answer}");
    Ok(())
}

/// How long the texts are.
fn encode(rounds: u64) -> Result<usize, Box<dyn Error>> {
    let users: Vec<User> = (0..USERS).map(user).collect();
    let mut total = 0;
    for _ in 0..rounds {
        total += serde_json::to_string(&users)?.len();
    }
    Ok(total)
}

fn user(i: u64) -> User {
    User {
        id: i,
        name: format!("User \"{i}\""),
        email: format!("user{i}@example.com"),
        active: i.is_multiple_of(3),
        score: (i % 1000) as f64 + 0.25,
        tags: vec!["alpha".into(), format!("tag\n{}", i % 7), "größer".into()],
        address: Address { street: format!("{} Main Street", i % 90), zip: 10_000 + i },
    }
}

/// The sum of some of what was read.
fn decode(rounds: u64) -> Result<u64, Box<dyn Error>> {
    let text = text()?;
    let mut total = 0;
    for _ in 0..rounds {
        let users: Vec<User> = serde_json::from_str(&text)?;
        total += users.iter().map(sum).sum::<u64>();
    }
    Ok(total)
}

fn sum(user: &User) -> u64 {
    let score = if user.active { (user.score * 4.0) as u64 } else { 0 };
    user.id + user.name.len() as u64 + user.tags[2].len() as u64 + user.address.zip + score
}

fn text() -> Result<String, std::fmt::Error> {
    let mut out = String::from("[");
    for i in 0..USERS {
        let comma = if i > 0 { "," } else { "" };
        write!(
            out,
            "{comma}{{\"id\":{i},\"name\":\"User \\\"{i}\\\"\",\"email\":\"user{i}@example.com\",\
             \"active\":{},\"score\":{}.25,\
             \"tags\":[\"alpha\",\"tag\\n{}\",\"gr\\u00f6\\u00dfer\"],\
             \"address\":{{\"street\":\"{} Main Street\",\"zip\":{}}}}}",
            i.is_multiple_of(3),
            i % 1000,
            i % 7,
            i % 90,
            10_000 + i
        )?;
    }
    out.push(']');
    Ok(out)
}
