"""Django's settings; each profile's module changes what differs there.

What comes from outside is read and checked in `config.environment` alone.
"""

from corsheaders.defaults import default_headers
from django.conf import global_settings
from redis.retry import Retry

from config import bodies, domains, identity, postgres, redis, security_headers
from config.environment import load

env = load()

DEBUG = bool(env.debug)
SECRET_KEY = env.secret_key.get_secret_value() if env.secret_key else ""
SECRET_KEY_FALLBACKS = [key.get_secret_value() for key in env.secret_key_fallbacks]
ALLOWED_HOSTS = list(env.allowed_hosts or ())
CORS_ALLOWED_ORIGINS = list(env.cors_allowed_origins or ())
CORS_ALLOW_HEADERS = (*default_headers, "x-request-id")
CORS_EXPOSE_HEADERS = ["RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-ID"]
CORS_PREFLIGHT_MAX_AGE = 600

ROOT_URLCONF = "config.urls"
APPEND_SLASH = False
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATA_UPLOAD_MAX_MEMORY_SIZE = bodies.LARGEST

# For all answers `config.security_headers` says what these say for Django's own.
SECURE_SSL_REDIRECT = bool(env.https_redirect)
SECURE_HSTS_SECONDS = env.hsts_seconds if env.environment == "production" else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.hsts_include_subdomains
SECURE_HSTS_PRELOAD = env.hsts_preload
SECURE_REFERRER_POLICY = security_headers.ALWAYS["Referrer-Policy"]
SESSION_COOKIE_AGE = 3600
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.environment == "production"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "config.problems.forbidden"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "corsheaders",
    "rest_framework",
    "access",
    "accounts",
    *domains.names(),
]

MIDDLEWARE = [
    "health.middleware.ProbeMiddleware",
    "observability.middleware.RequestMiddleware",
    "config.middleware.AdmissionMiddleware",
    "config.middleware.HttpsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    *["access.middleware.AdminFiles"] * bool(env.admin_path),
    "corsheaders.middleware.CorsMiddleware",
    "access.middleware.ThrottleMiddleware",
    "config.middleware.BodyMiddleware",
    "access.middleware.AccessMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "config.middleware.UnitOfWorkMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
# Files of the admin: `manage.py collectstatic` in the build profile writes them, with their hash in
# the name, and production serves these; elsewhere they are served from where they are installed.
STATIC_URL = f"{env.admin_path}/static/".lstrip("/")
WHITENOISE_ALLOW_ALL_ORIGINS = False
WHITENOISE_USE_FINDERS = env.environment not in {"build", "production"}
if not WHITENOISE_USE_FINDERS:
    STATIC_ROOT = identity.ROOT / "static"
    STORAGES = {
        **global_settings.STORAGES,
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }

AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [{"NAME": "accounts.hashing.PasswordValidator"}]
# The first one makes hashes; a login with one of the others renews it.
PASSWORD_HASHERS = ["accounts.hashing.PasswordHasher", global_settings.PASSWORD_HASHERS[0]]

_address = postgres.parameters(env) if env.database else {}
DATABASES = {
    "default": {
        "ENGINE": "config.postgresql",
        "NAME": _address.pop("dbname", ""),
        **{name: _address.pop(name.lower(), "") for name in ("HOST", "PORT", "USER", "PASSWORD")},
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": env.database_pgbouncer,
        "OPTIONS": {
            **_address,
            # None lets psycopg prepare nothing: PgBouncer hands sessions around.
            "prepare_threshold": None if env.database_pgbouncer else 5,
            "pool": {
                "min_size": min(2, env.database_pool_max),
                "max_size": env.database_pool_max,
                "timeout": postgres.POOL_WAIT,
                "max_lifetime": postgres.POOL_LIFETIME,
                # A lost server is tried anew by the next request, not after a long back-off.
                "reconnect_timeout": 5,
            },
        },
    }
}

CACHES = {
    "default": {
        "BACKEND": "config.cache.ResilientCache",
        "LOCATION": env.redis or "redis://build",
        "KEY_PREFIX": redis.prefix(env),
        "OPTIONS": redis.options(env, Retry),
    }
}

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "config.negotiation.JSONNegotiation",
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["access.permissions.IsKnownOrPublic"],
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_SCHEMA_CLASS": "config.spectacular.Schema",
    "DATETIME_FORMAT": "%Y-%m-%dT%H:%M:%S.%fZ",
    "EXCEPTION_HANDLER": "config.problems.exception_handler",
    "NON_FIELD_ERRORS_KEY": "#",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": identity.TITLE,
    "DESCRIPTION": identity.DESCRIPTION,
    "VERSION": identity.VERSION,
    "OAS_VERSION": "3.1.0",
    "COMPONENT_SPLIT_REQUEST": True,
    "PATH_CONVERTER_OVERRIDES": {"id": {"type": "string", "format": "uuid"}},
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "config.spectacular.complete",
    ],
    "SCHEMA_PATH_PREFIX": "/api(/v1)?",
}

# Logging is configured by the process that imports this, see observability/logging.py.
LOGGING_CONFIG = None

# The team's own settings: `extend(settings)` of src/apps/<domain>/django_settings.py.
for _module in domains.modules("django_settings"):
    _module.extend(globals())
