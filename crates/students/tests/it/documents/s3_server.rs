//! An S3 server inside the test.

use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use kit::testing::TestStores;
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use tempfile::TempDir;
use tokio::net::TcpListener;
use url::Url;

const ACCESS_KEY: &str = "TESTACCESS";
const SECRET_KEY: &str = "test-secret-9f2c";
const BUCKET: &str = "hostel";

pub(super) struct S3Server {
    url: Url,
    _folder: TempDir,
}

impl S3Server {
    pub(super) async fn start() -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::create_dir(folder.path().join(BUCKET)).unwrap();
        let mut builder = S3ServiceBuilder::new(s3s_fs::FileSystem::new(folder.path()).unwrap());
        builder.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
        let service = builder.build();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let service = service.clone();
                tokio::spawn(async move {
                    // A connection that ends early is the client's affair.
                    let builder = auto::Builder::new(TokioExecutor::new());
                    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        let url = format!("s3://{BUCKET}?endpoint=http://{address}&access_key={ACCESS_KEY}&secret_key={SECRET_KEY}");
        Self {
            url: Url::parse(&url).unwrap(),
            _folder: folder,
        }
    }

    /// Fresh stores with their files here.
    pub(super) fn stores(&self) -> TestStores {
        TestStores::with_files(self.url.clone())
    }
}
