//! How long a patch leaves a record unwatched: from the moment the app has read it to the moment the write
//! arrives. The way over the network comes on top, once there and once back.

use std::time::Duration;

use super::client::{Client, customer, post};
use super::process::Process;
use super::project::{PATCH, Project};

const ALONE: usize = 300;
const TOGETHER: usize = 5_000;

/// One after the other, then many at once.
pub async fn measure() {
    let app = Process::part(&["app"]).await;
    let mut control = Client::connect(app.address).await.expect("the app listens");
    let project = Project::new(app.address, PATCH);
    let hook = project.hook().await;
    let service = Process::linecook(project.folder.path(), project.address).await;
    let mut client = Client::connect(service.address).await.expect("the service listens");
    let mut alone = Vec::new();
    for number in 0..ALONE {
        client.send("POST", &hook, &customer(number)).await.expect("it is taken");
        alone.extend(windows(&mut control, 1).await);
    }
    print("one after the other", alone);
    drop(service);
    // Another project, to which all of these events are new.
    let project = Project::new(app.address, PATCH);
    let hook = project.hook().await;
    let service = Process::linecook(project.folder.path(), project.address).await;
    post(service.address, &hook, TOGETHER).await;
    print("many at once", windows(&mut control, TOGETHER).await);
}

async fn windows(control: &mut Client, count: usize) -> Vec<u64> {
    let mut windows: Vec<u64> = Vec::new();
    while windows.len() < count {
        let (_, body) = control.send("GET", "/windows", "").await.expect("the app answers");
        windows.extend(serde_json::from_str::<Vec<u64>>(&body).expect("a list"));
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    windows
}

fn print(how: &str, mut micros: Vec<u64>) {
    micros.sort_unstable();
    let at = |part: f64| micros[((micros.len() - 1) as f64 * part) as usize] as f64 / 1e3;
    println!(
        "window between reading and writing, {how}, {} writes: median {:.2} ms, 99 of 100 within {:.2} ms, longest {:.2} ms",
        micros.len(),
        at(0.5),
        at(0.99),
        at(1.0),
    );
}
