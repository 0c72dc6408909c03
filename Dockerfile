# The visual editor of e-mail templates
FROM node:22-slim AS visual-editor
WORKDIR /frontend
COPY frontend/package.json frontend/package-lock.json ./
RUN npm ci --ignore-scripts --omit=dev --no-audit --no-fund

FROM python:3.11-slim
RUN useradd --create-home --uid 1000 studio && install -d -o studio /var/lib/studio
WORKDIR /srv/studio
COPY requirements.txt .
RUN pip install --no-cache-dir --no-deps --require-hashes -r requirements.txt
COPY . .
COPY --from=visual-editor /frontend/node_modules frontend/node_modules
ENV VAR_DIR=/var/lib/studio PYTHONUNBUFFERED=1
USER studio
VOLUME /var/lib/studio
CMD ["gunicorn", "config.wsgi", "--worker-class", "gthread", "--workers", "2", "--threads", "8", "--bind", "0.0.0.0:8000"]
