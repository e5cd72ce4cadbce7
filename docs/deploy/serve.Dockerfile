# Serves a model over HTTP. docs/deploy/README.md explains how to build and start it.
FROM python:3.12-slim

WORKDIR /build
COPY constraints.txt docs/deploy/requirements.txt ./
RUN pip install --no-cache-dir --requirement requirements.txt --constraint constraints.txt
COPY pyproject.toml README.md ./
COPY conf ./conf
COPY pipeline ./pipeline
# What else training needs stays away: serving a folder imports none of it.
RUN pip install --no-cache-dir --no-deps .

# The name of what `make export` wrote: exports/<name>/<version>/.
ARG MODEL
RUN test -n "${MODEL}" || { echo 'Which model? --build-arg MODEL=iris for exports/iris' >&2; exit 1; }
COPY exports/${MODEL} /models/${MODEL}
# A place that does not depend on the name; the model answers by that of the folder at the link's end.
RUN ln -s "/models/${MODEL}" /model

WORKDIR /
USER 10001:10001
ENV HOME=/tmp
EXPOSE 8080
HEALTHCHECK --start-period=60s --interval=10s --timeout=5s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/health', timeout=4)"]
ENTRYPOINT ["dense-pipeline", "serve", "/model", "--host", "0.0.0.0", "--port", "8080"]
