use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::support::{World, at};

/// Every table, column, constraint, index and trigger, as text.
async fn schema(world: &World) -> Vec<String> {
    let db = world.app.db.schema();
    let sql = match db.get_database_backend() {
        DbBackend::Postgres => {
            "SELECT CAST(table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable \
               || ' ' || COALESCE(column_default, '') AS TEXT) AS line \
             FROM information_schema.columns WHERE table_schema = 'public' \
             UNION ALL SELECT CAST(conrelid::regclass || ' ' || conname || ' ' \
               || pg_get_constraintdef(oid) AS TEXT) FROM pg_constraint \
               WHERE connamespace = 'public'::regnamespace \
             UNION ALL SELECT CAST(indexdef AS TEXT) FROM pg_indexes WHERE schemaname = 'public' \
             UNION ALL SELECT CAST(tgrelid::regclass || ' ' || tgname AS TEXT) FROM pg_trigger \
               WHERE NOT tgisinternal \
             UNION ALL SELECT CAST(proname AS TEXT) FROM pg_proc \
               WHERE pronamespace = 'public'::regnamespace ORDER BY line"
        }
        _ => "SELECT type || ' ' || name || ' ' || COALESCE(sql, '') FROM sqlite_master ORDER BY 1",
    };
    let statement = Statement::from_string(db.get_database_backend(), sql);
    let rows = db.query_all_raw(statement).await.expect("the schema");
    rows.iter().map(|row| row.try_get_by_index(0).expect("a line")).collect()
}

#[actix_web::test]
async fn the_schema_goes_down_and_comes_up_the_same() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    world.earn(1, 30).await;
    let before = schema(&world).await;
    assert!(before.len() > 100, "{}", before.len());
    Migrator::down(world.app.db.schema(), None).await.expect("down");
    let left: Vec<_> = schema(&world)
        .await
        .into_iter()
        .filter(|line| !line.contains("seaql_migrations"))
        .collect();
    assert_eq!(left, Vec::<String>::new());
    Migrator::up(world.app.db.schema(), None).await.expect("up");
    assert_eq!(schema(&world).await, before);
}
