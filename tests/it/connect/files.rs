//! Files are for their owner alone, whatever the umask says.

use super::Shop;

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn the_vault_and_the_key_are_private_under_every_umask() {
    use std::os::unix::fs::PermissionsExt;
    use std::process::{Command, Stdio};
    for umask in ["000", "077", "022"] {
        let shop = Shop::with_main().await;
        shop.app.give("pit-token-1", "loc1", &["contacts.readonly"]);
        let file = shop.path().join("linecook.yaml");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        let text = shop.project_file().replace("loc1", "your-location-id");
        std::fs::write(&file, text).unwrap();
        let config = shop.path().join("config");
        let program = env!("CARGO_BIN_EXE_linecook");
        let script = format!(
            "umask {umask}; echo pit-token-1 | {program} connect highlevel --private-token --location loc1"
        );
        let output = Command::new("sh")
            .args(["-c", &script])
            .current_dir(shop.path())
            .env("XDG_CONFIG_HOME", &config)
            // No keyring can be reached.
            .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
            .env_remove("LINECOOK_KEY")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let seen = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "umask {umask}: {seen}");
        let mode =
            |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let key = config.join("linecook/key");
        assert!(seen.contains(&key.display().to_string()), "it says where the key is: {seen}");
        assert_eq!(mode(&shop.path().join("linecook.vault")), 0o600, "umask {umask}");
        assert_eq!(mode(&key), 0o600, "umask {umask}");
        assert_eq!(mode(key.parent().unwrap()) & 0o077, 0, "umask {umask}");
        assert_eq!(mode(&file), 0o640, "the project file keeps its own");
        for entry in std::fs::read_dir(shop.path()).unwrap() {
            let path = entry.unwrap().path();
            let text = std::fs::read(&path).unwrap_or_default();
            assert!(!String::from_utf8_lossy(&text).contains("pit-token-1"), "{}", path.display());
        }
    }
}
