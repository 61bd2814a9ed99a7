"""Every answer about articles is one that the OpenAPI document has told of."""

import pytest

from tests.apps.articles.conftest import Publish
from tests.apps.articles.factories import CommentFactory, TagFactory
from tests.fuzzing import fuzz
from tests.support import Client, Login, Make, MakeUser

pytestmark = pytest.mark.integration


@pytest.mark.security
@pytest.mark.parametrize("who", ["author", "other", "admin"])
def test_every_answer_is_documented(
    data_client: Client,
    make: Make,
    make_user: MakeUser,
    login: Login,
    publish: Publish,
    who: str,
) -> None:
    """Where there is an article with a comment, for whoever asks."""
    author = make_user()
    comment = make(CommentFactory, article=publish(author=author), author=author)
    places = {
        "article_id": comment.article.id,
        "comment_id": comment.id,
        "tag_id": make(TagFactory).id,
    }
    actor = author if who == "author" else make_user(is_staff=who == "admin")
    paths = "^/api/v1/(articles|tags)"
    fuzz(data_client, login(actor), paths, places=places, max_examples=40)
