//! The load: events posted over connections that stay open, with as little work as possible.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How many clients post at once.
const CLIENTS: usize = 32;

/// A connection that stays open.
pub struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    pub async fn connect(address: SocketAddr) -> std::io::Result<Client> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Client { stream, buffer: Vec::with_capacity(4 * 1024) })
    }

    /// The status and the body of an answer.
    pub async fn send(
        &mut self,
        method: &str,
        path: &str,
        body: &str,
    ) -> std::io::Result<(u16, String)> {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.write_all(request.as_bytes()).await?;
        self.buffer.clear();
        let head = loop {
            if let Some(at) = self.buffer.windows(4).position(|w| w == b"\r\n\r\n") {
                break at + 4;
            }
            self.read().await?;
        };
        let text = String::from_utf8_lossy(&self.buffer[..head]).to_ascii_lowercase();
        let status = text.get(9..12).and_then(|s| s.parse().ok()).unwrap_or(0);
        let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.and_then(|l| l.trim().parse().ok()).unwrap_or(0);
        while self.buffer.len() < head + length {
            self.read().await?;
        }
        Ok((status, String::from_utf8_lossy(&self.buffer[head..]).into_owned()))
    }

    async fn read(&mut self) -> std::io::Result<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

/// Posts the events `0..count` to `path`, and comes back when all are acknowledged.
pub async fn post(address: SocketAddr, path: &str, count: usize) {
    let clients = (0..CLIENTS).map(|first| {
        let path = path.to_owned();
        tokio::spawn(async move {
            let mut client = Client::connect(address).await.expect("the service listens");
            for number in (first..count).step_by(CLIENTS) {
                let (status, body) = client.send("POST", &path, &customer(number)).await.unwrap();
                assert_eq!(status, 202, "event {number} was not taken: {body}");
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.expect("the load ends");
    }
}

/// One event: a new customer, as Stax tells of it.
pub fn customer(number: usize) -> String {
    format!(
        r#"{{"id":"d45ee88c-8b27-4be8-8d81-{number:012}","firstname":"Ada","lastname":"Example{number}","company":"Example Coffee LLC","email":"Ada.{number}@example.com","phone":"407{:07}","address_1":"1 Test Way","address_2":"Unit 2","address_city":"Orlando","address_state":"FL","address_zip":"32801","address_country":"USA","notes":"Buys for three shops","reference":"","created_at":"2026-03-02 08:05:10","updated_at":"2026-03-02 08:05:10","deleted_at":null,"has_card_payment_method":false}}"#,
        5_550_000 + number % 10_000
    )
}
