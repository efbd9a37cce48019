//! Headers of every call on a connection to BuildKit, such as the login of a proxy in front of it.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{HeaderMap, Request};
use tower_service::Service;

/// A service whose calls have these headers, unless they have some of these names themselves.
#[derive(Debug, Clone)]
pub(super) struct WithHeaders<S> {
    inner: S,
    headers: Arc<HeaderMap>,
}

impl<S> WithHeaders<S> {
    pub(super) fn new(inner: S, headers: HeaderMap) -> Self {
        Self { inner, headers: Arc::new(headers) }
    }
}

impl<S: Service<Request<B>>, B> Service<Request<B>> for WithHeaders<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        for (name, value) in self.headers.iter() {
            request.headers_mut().entry(name).or_insert_with(|| value.clone());
        }
        self.inner.call(request)
    }
}

#[cfg(test)]
mod tests {
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn a_call_has_the_headers_that_it_does_not_have_itself() {
        let headers = [("x-login", "canary"), ("te", "other")];
        let headers = headers.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let inner = tower::service_fn(|request: Request<()>| async move {
            Ok::<_, ()>(request.headers().clone())
        });
        let service = WithHeaders::new(inner, HeaderMap::from_iter(headers));
        let call = Request::builder().header("te", "trailers").body(()).unwrap();
        let seen = service.oneshot(call).await.unwrap();
        assert_eq!(
            (&seen["x-login"], &seen["te"], seen.len()),
            (&"canary".parse().unwrap(), &"trailers".parse().unwrap(), 2)
        );
    }
}
