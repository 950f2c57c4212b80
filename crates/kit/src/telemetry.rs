//! Logs, traces and metrics.
//!
//! Logs are plain text on a terminal and JSON elsewhere. Traces go to an OTLP collector where one is configured; without
//! one, spans cost next to nothing. No log line holds a password, a token, a code, a phone number or a document.

use std::{
    io::{BufWriter, IsTerminal as _, stderr},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use opentelemetry::{
    KeyValue,
    trace::{TraceContextExt as _, TracerProvider as _},
};
use opentelemetry_otlp::WithExportConfig as _;
use opentelemetry_sdk::{Resource, propagation::TraceContextPropagator, trace::SdkTracerProvider};
use tracing::Span;
use tracing_appender::non_blocking::WorkerGuard;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use crate::access::{Caller, Identity, metadata, role_name};

/// Libraries that say at `info` what only they care about, or log what passes through them. What is configured stands above.
const QUIET: &str = "actix_server=warn,lapin=error,sea_orm_migration=warn";

/// Whether anybody keeps traces; where nobody does, joining them is not worth the work.
static TRACED: AtomicBool = AtomicBool::new(false);

const UPKEEP: Duration = Duration::from_secs(5);

/// Keeps telemetry going; dropped last, it sends what is still waiting.
pub struct Telemetry {
    pub metrics: PrometheusHandle,
    traces: Option<SdkTracerProvider>,
    /// Writes what is left of the log when it is dropped.
    _written: WorkerGuard,
}

/// Sets up logs, traces and metrics for this process, once.
pub fn init(process: &str, log: &str, otlp_endpoint: Option<&str>) -> anyhow::Result<Telemetry> {
    let filter = EnvFilter::try_new(format!("{QUIET},{log}")).map_err(|error| anyhow::anyhow!("log: {error}"))?;
    let traces = otlp_endpoint.map(|endpoint| exporter(process, endpoint)).transpose()?;
    let spans = traces
        .as_ref()
        .map(|traces| tracing_opentelemetry::layer().with_tracer(traces.tracer(process.to_owned())));
    let plain = stderr().is_terminal();
    // Nobody waits for whoever reads the log: lines go out in batches, and are lost rather than piled up without end.
    let (writer, written) = tracing_appender::non_blocking(BufWriter::new(stderr()));
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_target(!plain);
    let lines = if plain {
        lines.boxed()
    } else {
        lines.json().flatten_event(true).boxed()
    };
    tracing_subscriber::registry()
        .with(filter)
        .with(spans)
        .with(lines)
        .try_init()?;
    let metrics = PrometheusBuilder::new().install_recorder()?;
    // Where nobody reads the figures, they are folded all the same; else they pile up.
    let folded = metrics.clone();
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(UPKEEP);
        loop {
            ticks.tick().await;
            folded.run_upkeep();
        }
    });
    Ok(Telemetry {
        metrics,
        traces,
        _written: written,
    })
}

fn exporter(process: &str, endpoint: &str) -> anyhow::Result<SdkTracerProvider> {
    join_traces();
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint.to_owned())
        .build()?;
    let resource = Resource::builder()
        .with_service_name(process.to_owned())
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(resource)
        .build())
}

fn join_traces() {
    opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
    TRACED.store(true, Ordering::Relaxed);
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(traces) = &self.traces {
            // Nobody is left to tell when the last spans cannot be sent.
            let _ = traces.shutdown();
        }
    }
}

/// The span of one rpc, a child of the caller's trace.
pub fn rpc_span(path: &str, caller: &Caller) -> Span {
    let (user, role) = match &caller.identity {
        Identity::Nobody => (None, None),
        Identity::User { id, role, .. } => (Some(id.to_string()), Some(role_name(*role))),
        Identity::Service { name } => (Some(name.clone()), Some("service".to_owned())),
    };
    // All at once: each value that is added later makes the log write the whole span anew.
    let span = tracing::info_span!("rpc", path, request_id = caller.request_id, user, role);
    follow(&span, caller.traceparent.as_deref());
    span
}

/// The `traceparent` by which others join the trace of a span; `None` where no traces are kept.
pub fn traceparent(span: &Span) -> Option<String> {
    let context = span.context();
    let span = context.span();
    let context = span.span_context();
    let flags = context.trace_flags().to_u8();
    context
        .is_valid()
        .then(|| format!("00-{}-{}-{flags:02x}", context.trace_id(), context.span_id()))
}

/// Makes a span a child of the trace that a `traceparent` header names.
pub fn follow(span: &Span, traceparent: Option<&str>) {
    let Some(traceparent) = traceparent.filter(|_| TRACED.load(Ordering::Relaxed)) else {
        return;
    };
    let header = std::collections::HashMap::from([(metadata::TRACEPARENT.to_owned(), traceparent.to_owned())]);
    let parent = opentelemetry::global::get_text_map_propagator(|propagator| propagator.extract(&header));
    // A malformed header only means that the trace begins here.
    let _ = span.set_parent(parent);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_joined_and_passed_on() {
        join_traces();
        let traces = SdkTracerProvider::builder().build();
        let kept = tracing_opentelemetry::layer().with_tracer(traces.tracer("test"));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(kept), || {
            let from_outside = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
            let span = tracing::info_span!("test");
            follow(&span, Some(from_outside));
            let passed_on = traceparent(&span).unwrap();
            assert_eq!(passed_on[..36], from_outside[..36], "the same trace");
            assert_ne!(passed_on[36..52], from_outside[36..52], "by a span of its own");
        });
        assert_eq!(
            traceparent(&tracing::info_span!("test")),
            None,
            "nobody keeps traces here"
        );
    }
}
