"""The WSGI application."""

from django.core.wsgi import get_wsgi_application

from config import django_setup
from config.environment import load

django_setup.select(load())
application = get_wsgi_application()
