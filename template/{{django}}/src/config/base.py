"""Django's settings; each profile's module changes what differs there.

What comes from outside is read and checked in `config.environment` alone.
"""

from corsheaders.defaults import default_headers
from django.conf import global_settings
from redis.retry import Retry

from config import bodies, domains, identity, postgres, redis
from config.environment import load

env = load()

DEBUG = bool(env.debug)
SECRET_KEY = env.secret_key.get_secret_value() if env.secret_key else ""
ALLOWED_HOSTS = list(env.allowed_hosts or ())
CORS_ALLOWED_ORIGINS = list(env.cors_allowed_origins or ())
CORS_ALLOW_HEADERS = (*default_headers, "x-request-id")
CORS_EXPOSE_HEADERS = ["X-Request-ID"]
CORS_PREFLIGHT_MAX_AGE = 600

ROOT_URLCONF = "config.urls"
APPEND_SLASH = False
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATA_UPLOAD_MAX_MEMORY_SIZE = bodies.LARGEST

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "corsheaders",
    "rest_framework",
    "accounts",
    *domains.names(),
]

MIDDLEWARE = [
    "health.middleware.ProbeMiddleware",
    "observability.middleware.RequestMiddleware",
    "config.middleware.AdmissionMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "config.middleware.BodyMiddleware",
    "config.middleware.UnitOfWorkMiddleware",
]

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
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
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
