"""The web application: routes and what answers them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from pipeline.inference.http import model_metadata
from pipeline.inference.http.docs import page, token_page
from pipeline.inference.http.protocols import MLFLOW, TENSORFLOW
from pipeline.inference.http.request_errors import RefusedError
from pipeline.inference.http.served_model import Served
from pipeline.inference.http.service import Service

Background = Callable[[], Coroutine[Any, Any, None]]


def application(service: Service, background: Background | None = None) -> FastAPI:
    """Builds the application that serves a model.

    Args:
        service: Answers the requests.
        background: A task that runs as long as the application.
    """

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        service.batcher.start()
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(service.batcher.stop)
            if background is not None:
                await stack.enter_async_context(_running(background))
            yield

    # Predictions bypass FastAPI's handling of arguments, which they do not need and which takes time.
    app = FastAPI(lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None, routes=_predictions(service))
    app.add_exception_handler(RefusedError, _refusal)
    _add_open(app, service)
    _add_guarded(app, service)
    return app


@contextlib.asynccontextmanager
async def _running(background: Background) -> AsyncIterator[None]:
    task = asyncio.create_task(background())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _refusal(request: Request, refused: Exception) -> Response:
    assert isinstance(refused, RefusedError)
    return JSONResponse(TENSORFLOW.refusal(refused), refused.status, refused.headers)


def _predictions(service: Service) -> list[BaseRoute]:
    async def invocations(request: Request) -> Response:
        return await service.respond(request, MLFLOW)

    async def predict(request: Request) -> Response:
        def check_address(model: Served) -> None:
            _named(model, **{key: request.path_params[key] for key in request.path_params if key != "method"})
            if (method := request.path_params["method"]) != "predict":
                raise RefusedError(404, f"unknown method {method!r}; the method is predict")

        return await service.respond(request, TENSORFLOW, check_address)

    model = "/v1/models/{name}"
    return [
        Route("/invocations", invocations, methods=["POST"]),
        Route(f"{model}:{{method}}", predict, methods=["POST"]),
        Route(f"{model}/versions/{{version}}:{{method}}", predict, methods=["POST"]),
    ]


def _named(model: Served, name: str, version: str | None = None) -> None:
    """Refuses an address that names another model."""
    if name != model.name:
        raise RefusedError(404, f"unknown model {name!r}; this server has {model.name!r}")
    if version not in (None, model.version):
        raise RefusedError(404, f"unknown version {version} of {name!r}; this server has version {model.version}")


def _add_open(app: FastAPI, service: Service) -> None:
    """Adds the routes for load balancers, which need no token."""

    @app.get("/ping")
    @app.get("/health")
    async def ping() -> Response:
        """Whether the server takes requests."""
        return Response("\n", media_type="application/json")


def _add_guarded(app: FastAPI, service: Service) -> None:
    """Adds the routes that describe the model, which need the token if there is one."""

    @app.get("/version")
    async def version(request: Request) -> Response:
        """The model that serves, and the versions of the packages that made it and that run it."""
        service.authorize(request)
        return JSONResponse(model_metadata.version(service.model))

    @app.get("/metrics")
    async def metrics(request: Request) -> Response:
        """Metrics in Prometheus's format."""
        service.authorize(request)
        return Response(service.metrics.page(), headers={"Content-Type": service.metrics.content_type})

    @app.get("/v1/models/{name}")
    @app.get("/v1/models/{name}/versions/{version}")
    async def status(request: Request, name: str, version: str | None = None) -> Response:
        """The model's state, in TensorFlow Serving's format."""
        service.authorize(request)
        _named(service.model, name, version)
        return JSONResponse(model_metadata.status(service.model))

    @app.get("/v1/models/{name}/metadata")
    @app.get("/v1/models/{name}/versions/{version}/metadata")
    async def metadata(request: Request, name: str, version: str | None = None) -> Response:
        """The model's inputs and outputs, in TensorFlow Serving's format."""
        service.authorize(request)
        _named(service.model, name, version)
        return JSONResponse(model_metadata.metadata(service.model))

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi(request: Request) -> Response:
        service.authorize(request)
        return JSONResponse(model_metadata.openapi(app, service.model, service.strict))

    @app.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> Response:
        try:
            service.authorize(request)
        except RefusedError as refused:
            return HTMLResponse(token_page(), refused.status, refused.headers)
        return HTMLResponse(page(service.model, asks_for_token=service.asks_for_token))

    @app.get("/", include_in_schema=False)
    async def root() -> Response:
        return RedirectResponse("docs")
