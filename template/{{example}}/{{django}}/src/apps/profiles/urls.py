"""Routes of profiles."""

from django.urls import path

from apps.profiles import views

urlpatterns = [path("api/v1/profiles/me", views.MyProfile.as_view())]
