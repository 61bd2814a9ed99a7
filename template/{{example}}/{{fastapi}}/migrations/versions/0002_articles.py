"""Articles with their comments and tags, and profiles."""

import sqlalchemy as sa
from alembic import op

revision = "0002_articles"
down_revision = "0001_initial"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "articles_tag",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("name = lower(name)", name=op.f("articles_tag_name_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("articles_tag_pkey")),
        sa.UniqueConstraint("name", name=op.f("articles_tag_name_key")),
    )
    op.create_table(
        "articles_article",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=20), server_default="draft", nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("(status = 'published') = (published_at IS NOT NULL)", name=op.f("articles_article_status_published_at_check")),
        sa.CheckConstraint("status IN ('draft', 'published')", name=op.f("articles_article_status_check")),
        sa.ForeignKeyConstraint(["author_id"], ["accounts_user.id"], name=op.f("articles_article_author_id_fkey"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("articles_article_pkey")),
    )
    op.create_index(op.f("articles_article_author_id_created_at_id_idx"), "articles_article", ["author_id", "created_at", "id"], unique=False)
    op.create_index(op.f("articles_article_created_at_id_idx"), "articles_article", ["created_at", "id"], unique=False)
    op.create_index(op.f("articles_article_published_at_id_idx"), "articles_article", ["published_at", "id"], unique=False)
    op.create_index("articles_article_search_idx", "articles_article", [sa.literal_column("to_tsvector('simple'::regconfig, title)")], unique=False, postgresql_using="gin")
    op.create_index(op.f("articles_article_status_created_at_id_idx"), "articles_article", ["status", "created_at", "id"], unique=False)
    op.create_index(op.f("articles_article_title_id_idx"), "articles_article", ["title", "id"], unique=False)
    op.create_table(
        "profiles_profile",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("bio", sa.Text(), server_default="", nullable=False),
        sa.Column("website", sa.String(length=200), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["accounts_user.id"], name=op.f("profiles_profile_user_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("profiles_profile_pkey")),
    )
    op.create_table(
        "articles_articletag",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("article_id", sa.Uuid(), nullable=False),
        sa.Column("tag_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["article_id"], ["articles_article.id"], name=op.f("articles_articletag_article_id_fkey"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["tag_id"], ["articles_tag.id"], name=op.f("articles_articletag_tag_id_fkey"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("articles_articletag_pkey")),
        sa.UniqueConstraint("article_id", "tag_id", name=op.f("articles_articletag_article_id_tag_id_key")),
    )
    op.create_index(op.f("articles_articletag_tag_id_article_id_idx"), "articles_articletag", ["tag_id", "article_id"], unique=False)
    op.create_table(
        "articles_comment",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("article_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=True),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["article_id"], ["articles_article.id"], name=op.f("articles_comment_article_id_fkey"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["author_id"], ["accounts_user.id"], name=op.f("articles_comment_author_id_fkey"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["parent_id"], ["articles_comment.id"], name=op.f("articles_comment_parent_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("articles_comment_pkey")),
    )
    op.create_index(op.f("articles_comment_article_id_created_at_id_idx"), "articles_comment", ["article_id", "created_at", "id"], unique=False)
    op.create_index(op.f("articles_comment_author_id_idx"), "articles_comment", ["author_id"], unique=False)
    op.create_index(op.f("articles_comment_parent_id_idx"), "articles_comment", ["parent_id"], unique=False)


def downgrade() -> None:
    """Undo."""
    op.drop_table("articles_comment")
    op.drop_table("articles_articletag")
    op.drop_table("profiles_profile")
    op.drop_table("articles_article")
    op.drop_table("articles_tag")
