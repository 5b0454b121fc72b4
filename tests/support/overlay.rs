//! A container that is made as s6-overlay v3 and linuxserver's images make theirs (tests/container/overlay), with or
//! without a container runtime.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::docker::docker;
use super::launching::{code, finish};
use super::{PATIENCE, Scratch, children, set_mode, stderr, stdout};

/// Who makes the container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runtime {
    /// Namespaces of our own, on this machine's s6.
    Namespaces,
    /// Docker, on the s6 of Debian 13.
    Docker,
}

/// What is in the container beside the image, and what it is started with.
#[derive(Default)]
pub struct Contents {
    /// Files: path from the root, text, mode.
    files: Vec<(String, String, u32)>,
    /// Variables: `NAME=VALUE`.
    variables: Vec<String>,
}

impl Contents {
    pub fn file(mut self, path: &str, text: &str) -> Self {
        self.files.push((path.to_string(), text.to_string(), 0o644));
        self
    }

    pub fn program(mut self, path: &str, text: &str) -> Self {
        self.files.push((path.to_string(), text.to_string(), 0o755));
        self
    }

    pub fn variable(mut self, variable: &str) -> Self {
        self.variables.push(variable.to_string());
        self
    }

    fn write(&self, directory: &Path) {
        for (path, text, mode) in &self.files {
            let path = directory.join(path);
            fs::create_dir_all(path.parent().expect("a directory")).expect("made");
            fs::write(&path, text).expect("written");
            set_mode(&path, *mode);
        }
    }
}

/// A running container.
pub enum Overlay {
    Namespaces { child: Child, scratch: Scratch },
    Docker { name: String },
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/container").join(name)
}

/// The image with the programs of this build; one for each test process.
struct Image(String);

impl Image {
    fn get() -> &'static str {
        static IMAGE: OnceLock<Image> = OnceLock::new();
        &IMAGE.get_or_init(Image::build).0
    }

    fn build() -> Image {
        let context = Scratch::new("overlay-image");
        let copied = Command::new("cp")
            .arg("-R")
            .args([file("overlay"), file("overlay/Dockerfile")])
            .args([env!("CARGO_BIN_EXE_futo"), env!("CARGO_BIN_EXE_futo-launch")])
            .arg(&context.path)
            .status();
        assert!(copied.expect("cp starts").success());
        let name = format!("futo-overlay-{}", std::process::id());
        let built = Command::new("docker")
            .args(["build", "--quiet", "--tag", &name])
            .arg(&context.path)
            .env("DOCKER_BUILDKIT", "0")
            .output()
            .expect("docker starts");
        assert!(built.status.success(), "{}", stderr(&built));
        Image(name)
    }
}

/// Removes the image of this process at its end, when all its containers have gone.
pub struct RemovesImage;

impl Drop for RemovesImage {
    fn drop(&mut self) {
        let _ = docker(&["image", "rm", &format!("futo-overlay-{}", std::process::id())]);
    }
}

impl Overlay {
    /// Boots it, and waits until its last init script has ended.
    pub fn boot(runtime: Runtime, contents: &Contents) -> Overlay {
        let overlay = match runtime {
            Runtime::Namespaces => Overlay::in_namespaces(contents),
            Runtime::Docker => Overlay::in_docker(contents),
        };
        let start = Instant::now();
        while !overlay.log().contains("boot: done") {
            assert!(start.elapsed() < PATIENCE, "the boot does not end: {}", overlay.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        overlay
    }

    fn in_namespaces(contents: &Contents) -> Overlay {
        let scratch = Scratch::new("overlay");
        scratch.futo();
        fs::create_dir(scratch.join("situation")).expect("a directory");
        contents.write(&scratch.join("situation"));
        let out = fs::File::create(scratch.join("out")).expect("its output");
        let child = Command::new("unshare")
            .args(["--pid", "--fork", "--kill-child", "--mount", "--propagation", "private", "sh"])
            .arg(file("overlay/enter"))
            .arg(&scratch.path)
            .args(&contents.variables)
            .stdin(Stdio::null())
            .stdout(out.try_clone().expect("a copy"))
            .stderr(out)
            .spawn()
            .expect("it starts");
        Overlay::Namespaces { child, scratch }
    }

    fn in_docker(contents: &Contents) -> Overlay {
        static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = format!("futo-overlay-{}-{number}", std::process::id());
        let mut words = vec!["create", "--network", "none", "--name", &name];
        words.extend(["--tmpfs", "/run:mode=0755,exec", "--tmpfs", "/config:mode=0755,size=4m,exec"]);
        words.extend(contents.variables.iter().flat_map(|variable| ["--env", variable]));
        words.push(Image::get());
        docker(&words).expect("it is made");
        let overlay = Overlay::Docker { name };
        let Overlay::Docker { name } = &overlay else { unreachable!() };
        let files = Scratch::new("overlay-files");
        fs::create_dir(files.join("root")).expect("a directory");
        contents.write(&files.join("root"));
        let from = format!("{}/.", files.join("root").display());
        docker(&["cp", &from, &format!("{name}:/")]).expect("its files");
        docker(&["start", name]).expect("it starts");
        overlay
    }

    /// Its PID 1, seen from here.
    fn init(child: &Child) -> Option<String> {
        children(child.id().cast_signed()).first().map(i32::to_string)
    }

    /// Runs a script inside, as root: what it printed, and its exit code.
    pub fn run(&self, script: &str) -> (String, i32) {
        let mut command = match self {
            Overlay::Namespaces { child, .. } => {
                let Some(init) = Overlay::init(child) else { return (String::new(), -1) };
                let mut command = Command::new("nsenter");
                command.args(["-m", "-p", "-r", "-w", "-t", &init, "--", "sh", "-c", script]);
                command
            }
            Overlay::Docker { name } => {
                let mut command = Command::new("docker");
                command.args(["exec", name, "sh", "-c", script]);
                command
            }
        };
        let output = finish(&mut command);
        (stdout(&output), code(&output))
    }

    /// Waits until each of these commands is true.
    pub fn wait_for(&self, conditions: &[String]) {
        let start = Instant::now();
        while self.run(&conditions.join(" && ")).1 != 0 {
            let seen = || self.run("cat /run/boot.log; ls -laR /config; s6-svstat /run/service/*").0;
            assert!(start.elapsed() < PATIENCE, "never {conditions:?}: {}", seen());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What the boot has printed so far.
    pub fn log(&self) -> String {
        self.run("cat /run/boot.log 2>/dev/null").0
    }
}

impl Drop for Overlay {
    fn drop(&mut self) {
        match self {
            Overlay::Namespaces { child, scratch } => {
                if std::thread::panicking() {
                    eprintln!("{}", super::read(scratch.join("out")));
                }
                let _ = child.kill();
                let _ = child.wait();
            }
            Overlay::Docker { name } => {
                let _ = docker(&["rm", "--force", name]);
            }
        }
    }
}
