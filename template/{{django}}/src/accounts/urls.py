"""Routes of accounts."""

from django.urls import path

from accounts import views

urlpatterns = [
    path("api/v1/auth/register", views.Registration.as_view()),
    path("api/v1/auth/token", views.Token.as_view()),
    path("api/v1/users/me", views.Me.as_view()),
]
