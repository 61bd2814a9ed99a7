"""Routes of accounts."""

from django.urls import path

from accounts import views

urlpatterns = [
    path("api/v1/auth/register", views.Registration.as_view()),
    path("api/v1/auth/token", views.Token.as_view()),
    path("api/v1/auth/token/refresh", views.Refresh.as_view()),
    path("api/v1/auth/token/revoke", views.Revocation.as_view()),
    path("api/v1/auth/password", views.Password.as_view()),
    path("api/v1/users/me", views.Me.as_view()),
    path("api/v1/users/<id:user_id>", views.Account.as_view()),
    path("api/v1/users/<id:user_id>/roles", views.Roles.as_view()),
]
